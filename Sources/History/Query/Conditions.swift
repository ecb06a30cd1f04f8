import Core
import GRDB
import Server

/// What a filter comes to: an SQL condition with its arguments.
struct Conditions {
    private(set) var clauses: [String] = []
    private(set) var arguments: [any DatabaseValueConvertible] = []
    /// Names something that is not there: nothing is found.
    private(set) var isEmpty = false
    /// Set by ``accounts(_:)``.
    private(set) var accounts: [AccountNumber]?

    mutating func add(_ clause: String, _ values: any DatabaseValueConvertible...) {
        clauses.append(clause)
        arguments += values
    }

    mutating func findNothing() { isEmpty = true }

    /// Kept apart, so that the rows of each account can be taken from its own part of an index.
    mutating func accounts(_ accounts: [AccountNumber]?) {
        self.accounts = accounts.map { Array(Set($0)).sorted() }
        if accounts?.isEmpty == true { isEmpty = true }
    }

    /// Adds `column = number` of what the name stands for.
    mutating func add<ID: DatabaseValueConvertible>(_ column: String, _ name: Text?, _ look: (Text) throws -> ID?) rethrows {
        guard let name else { return }
        guard let id = try look(name) else { return isEmpty = true }
        add("\(column) = ?", id)
    }

    mutating func add(oneOf values: [Int64]?, _ column: String) {
        guard let values else { return }
        if values.isEmpty { isEmpty = true }
        clauses.append("\(column) IN (\(values.map { _ in "?" }.joined(separator: ",")))")
        arguments += values.map { $0 as any DatabaseValueConvertible }
    }

    mutating func add(_ column: String, from: Int64?, before: Int64?) {
        if let from { add("\(column) >= ?", from) }
        if let before { add("\(column) < ?", before) }
    }

    /// Bounds of a column at its instrument's scale, over instruments of all scales.
    mutating func add(
        _ column: String, scale: String, min: (name: String, text: String?), max: (name: String, text: String?)
    ) throws {
        let value = "units(\(column), (SELECT \(scale) FROM instruments i WHERE i.id = instrument))"
        if let text = min.text { add("\(value) >= ?", ExactNumber.sortable(try Conditions.bound(min.name, text))) }
        if let text = max.text { add("\(value) <= ?", ExactNumber.sortable(try Conditions.bound(max.name, text))) }
    }

    static func bound(_ argument: String, _ text: String) throws -> Amount {
        var copy = text
        do { return try copy.withUTF8 { try DecimalText.int128(UnsafeRawBufferPointer($0), scale: 18) } } catch {
            throw HistoryError.badValue(argument: argument, expected: "a decimal number with at most 18 decimals")
        }
    }

    /// ` WHERE ...` with the accounts as one condition.
    func whole() -> (sql: String, arguments: StatementArguments) {
        var all = self
        if let accounts { all.add(oneOf: accounts, "account") }
        return (all.clauses.isEmpty ? "" : " WHERE " + all.clauses.joined(separator: " AND "), StatementArguments(all.arguments))
    }

    /// The first rows of a table in an order: for a few accounts each one's first rows, taken along an index, then the first of those. (With
    /// `account IN (...)` SQLite would look at every row of all of them.)
    func first(
        _ columns: String, of table: String, order: String, offset: Int, limit: Int
    ) -> (sql: String, arguments: StatementArguments) {
        guard let accounts, accounts.count > 1, accounts.count <= Conditions.mergedAccountsMax else {
            let (condition, values) = whole()
            return (
                "SELECT \(columns) FROM \(table)\(condition) ORDER BY \(order) LIMIT ? OFFSET ?", values + [limit, offset]
            )
        }
        let condition = (["account = ?"] + clauses).joined(separator: " AND ")
        let one = "SELECT * FROM (SELECT \(columns) FROM \(table) WHERE \(condition) ORDER BY \(order) LIMIT ?)"
        var values: [any DatabaseValueConvertible] = []
        for account in accounts { values += [account as any DatabaseValueConvertible] + arguments + [offset + limit] }
        return (
            accounts.map { _ in one }.joined(separator: " UNION ALL ") + " ORDER BY \(order) LIMIT ? OFFSET ?",
            StatementArguments(values) + [limit, offset]
        )
    }
    /// SQLite takes no more parts in a compound, and each has all arguments.
    private static let mergedAccountsMax = 50
}

extension Conditions {
    /// The accounts as one condition among the others.
    func together() -> Conditions {
        var all = self
        all.accounts = nil
        if let accounts { all.add(oneOf: accounts, "account") }
        return all
    }
}
