import Core
import GRDB
import Server

/// What an instrument's numbers mean.
struct InstrumentName {
    var id: InstrumentID
    var symbol: String
    var wallet: WalletID
    var base: AssetName
    var quote: AssetName
    var priceScale: Int
    var quantityScale: Int
    /// Least decimals printed, as the present tick and lot have them.
    var priceDecimals: Int
    var quantityDecimals: Int

    /// 10^(18 - scales): a product of price and quantity times this is an amount.
    var amountUnit: Int128 { Int128(Numbers.powerOfTen(Int32(18 - priceScale - quantityScale))) }
}

struct AssetName {
    var name: String
    var decimals: Int
}

/// Names by their numbers, as a query needs them. Owner: the query.
final class Names {
    private let db: Database
    private var instruments: [InstrumentID: InstrumentName] = [:]
    private var assets: [AssetID: AssetName] = [:]
    private var wallets: [WalletID: String] = [:]
    private var strategies: [Int64: Text] = [:]
    private var text = OutputBuffer(capacity: 64)

    init(_ db: Database) { self.db = db }

    // MARK: Numbers to names

    func instrument(_ id: InstrumentID) throws -> InstrumentName {
        if let known = instruments[id] { return known }
        let row = try one("SELECT symbol, wallet, base, quote, price_scale, quantity_scale, tick, lot FROM instruments WHERE id = ?", Int64(id))
        let (priceScale, quantityScale) = (row["price_scale"] as Int, row["quantity_scale"] as Int)
        let name = InstrumentName(
            id: id, symbol: row["symbol"], wallet: WalletID(row["wallet"] as Int), base: try asset(AssetID(row["base"] as Int)),
            quote: try asset(AssetID(row["quote"] as Int)), priceScale: priceScale, quantityScale: quantityScale,
            priceDecimals: DecimalText.decimals(of: row["tick"], scale: priceScale),
            quantityDecimals: DecimalText.decimals(of: row["lot"], scale: quantityScale))
        instruments[id] = name
        return name
    }

    func asset(_ id: AssetID) throws -> AssetName {
        if let known = assets[id] { return known }
        let row = try one("SELECT name, decimals FROM assets WHERE id = ?", Int64(id))
        let name = AssetName(name: row["name"], decimals: row["decimals"])
        assets[id] = name
        return name
    }

    func wallet(_ id: WalletID) throws -> String {
        if let known = wallets[id] { return known }
        let name: String = try one("SELECT name FROM wallets WHERE id = ?", Int64(id))["name"]
        wallets[id] = name
        return name
    }

    func options(_ order: OrderID, _ info: InstrumentName) throws -> OrderOptions {
        var options = OrderOptions()
        guard let row = try Row.fetchOne(db.cachedStatement(sql: "SELECT * FROM order_options WHERE id = ?"), arguments: [order]) else { return options }
        options.trigger = try row.value("trigger")
        options.triggerPrice = try row.value("trigger_price")
        options.stop = (row["stop"] as Int64?).map { price($0, info) }
        options.display = (row["display"] as Int64?).map { quantity($0, info) }
        options.postOnly = row["post_only"] == 1
        options.reduceOnly = row["reduce_only"] == 1
        options.selfTrade = try row.value("self_trade")
        options.oco = row["oco"]
        return options
    }

    /// `nil`: none.
    func strategy(_ number: Int64?) throws -> Text {
        guard let number else { return Text() }
        if let known = strategies[number] { return known }
        let name = Text(escaped: try one("SELECT name FROM strategies WHERE id = ?", number)["name"])
        strategies[number] = name
        return name
    }

    private func one(_ sql: String, _ id: Int64) throws -> Row {
        guard let row = try Row.fetchOne(db.cachedStatement(sql: sql), arguments: [id]) else {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "a row names what is not there: \(sql) \(id)")
        }
        return row
    }

    // MARK: Names to numbers

    func instrument(_ symbol: Text) throws -> InstrumentID? {
        try Int32.fetchOne(db, sql: "SELECT id FROM instruments WHERE symbol = ?", arguments: [escaped(symbol)])
    }
    func asset(_ name: Text) throws -> AssetID? {
        try Int32.fetchOne(db, sql: "SELECT id FROM assets WHERE name = ?", arguments: [escaped(name)])
    }
    func wallet(_ name: Text) throws -> WalletID? {
        try Int32.fetchOne(db, sql: "SELECT id FROM wallets WHERE name = ?", arguments: [escaped(name)])
    }
    /// Strategies called `name`, or `name:` and more: the REST edge keeps a strategy's id and name in one text.
    func strategies(_ name: Text) throws -> [Int64] {
        let name = escaped(name)
        return try Int64.fetchAll(
            db, sql: "SELECT id FROM strategies WHERE name = ?1 OR substr(name, 1, length(?1) + 1) = ?1 || ':'", arguments: [name])
    }

    // MARK: Numbers to text

    func price(_ price: Price, _ info: InstrumentName) -> String {
        printed { $0.append(price, scale: info.priceScale, least: info.priceDecimals) }
    }
    func quantity(_ quantity: Quantity, _ info: InstrumentName) -> String {
        printed { $0.append(quantity, scale: info.quantityScale, least: info.quantityDecimals) }
    }
    /// A sum of quantities.
    func quantity(_ quantity: Int128, _ info: InstrumentName) -> String {
        printed { $0.append(quantity, scale: info.quantityScale, least: info.quantityDecimals) }
    }
    func amount(_ amount: Amount, _ asset: AssetName) -> String { printed { $0.append(amount, least: asset.decimals) } }
    func zero(_ asset: AssetName) -> String { amount(0, asset) }
    func escaped(_ value: Text) -> String { printed { $0.append(value) } }

    private func printed(_ append: (inout OutputBuffer) -> Void) -> String {
        text.removeAll()
        append(&text)
        return text.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }

    /// Decimal text of the database back to units of 10^-18.
    static func amount(_ text: String) throws -> Amount {
        var copy = text
        do { return try copy.withUTF8 { try DecimalText.int128(UnsafeRawBufferPointer($0), scale: 18, signed: true) } } catch {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "an amount cannot be read: \(text)")
        }
    }
}
