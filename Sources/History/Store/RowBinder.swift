import Core
import GRDB
import GRDBSQLite
import Server

/// One prepared statement that is run again and again: parameters are bound in order, from places that stay until it has run, so that a row
/// costs no heap. Owner: the thread that writes.
final class RowStatement {
    /// Kept alive: it owns the pointer.
    private let statement: Statement
    private let pointer: OpaquePointer
    private let columns: Int32
    private var bound: Int32 = 0
    private var text = OutputBuffer(capacity: RowStatement.textBytesMax)
    /// Beyond all texts of a row: their places must not move. A text has at most 36 bytes, escaped 108; an amount at most 41.
    private static let textBytesMax = 4_096

    init(_ db: Database, _ sql: String) throws {
        statement = try db.makeStatement(sql: sql)
        pointer = statement.sqliteStatement
        columns = sqlite3_bind_parameter_count(pointer)
    }

    func bind(_ value: Int64) {
        bound += 1
        sqlite3_bind_int64(pointer, bound, value)
    }

    func bind(_ value: Int) { bind(Int64(value)) }
    func bind(_ value: Int32) { bind(Int64(value)) }
    func bind(bits value: UInt64) { bind(Int64(bitPattern: value)) }

    func bindNull() {
        bound += 1
        sqlite3_bind_null(pointer, bound)
    }

    /// NULL for 0.
    func bind(nonZero value: Int64) { if value == 0 { bindNull() } else { bind(value) } }

    /// In the protocol's form; NULL for the empty text.
    func bind(_ value: Text) {
        if value.isEmpty { return bindNull() }
        let start = text.count
        text.append(value)
        bindText(from: start)
    }

    /// In the protocol's form; where NULL would say something else.
    func bindEven(empty value: Text) {
        let start = text.count
        text.append(value)
        bindText(from: start)
    }

    /// With at least `decimals`.
    func bind(_ value: Amount, decimals: Int32) {
        let start = text.count
        text.append(value, least: Int(decimals))
        bindText(from: start)
    }

    /// NULL for 0.
    func bind(nonZero value: Amount, decimals: Int32) {
        if value == 0 { bindNull() } else { bind(value, decimals: decimals) }
    }

    /// Of any length; copied. NULL for the empty text.
    func bind(_ value: String) {
        if value.isEmpty { return bindNull() }
        bound += 1
        var copy = value
        copy.withUTF8 { utf8 in
            utf8.withMemoryRebound(to: CChar.self) {
                _ = sqlite3_bind_text(pointer, bound, $0.baseAddress, Int32($0.count), RowStatement.copied)
            }
        }
    }
    private static let copied = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

    private func bindText(from start: Int) {
        bound += 1
        invariant(text.count <= RowStatement.textBytesMax, "a row's texts fit")
        text.withUnsafeBytes { bytes in
            let first = bytes.baseAddress!.assumingMemoryBound(to: CChar.self) + start
            _ = sqlite3_bind_text(pointer, bound, first, Int32(bytes.count - start), nil)
        }
    }

    /// Runs it with what was bound.
    func run(_ db: Database) throws {
        invariant(bound == columns, "every parameter of a row is bound")
        let code = sqlite3_step(pointer)
        let error = code == SQLITE_DONE ? nil : DatabaseError(resultCode: ResultCode(rawValue: code), message: db.lastErrorMessage)
        sqlite3_reset(pointer)
        bound = 0
        text.removeAll()
        if let error { throw error }
    }
}
