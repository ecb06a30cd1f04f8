import Core
import Testing

/// A shard to script tests on: decimal text in, decimal text out, and a replay of everything recorded to compare with.
///
/// Assets: USD 0, BTC 1, BNB 2. Instruments: BTC-USD 0 (tick 0.01, lot 0.00000001), UNIT-USD 1 (tick 1, lot 1, for whole-number
/// examples; base BTC), PERP 2 (funds none). Accounts 7 and 8.
final class Desk {
    struct Shards: ~Copyable { var live: Shard }
    private var shards: Shards
    private(set) var log: [(Mutation, Timestamp)] = []
    var now: Timestamp = 1_700_000_000_000_000
    private var counter = 0

    static let usd: AssetID = 0
    static let btc: AssetID = 1
    static let bnb: AssetID = 2
    static let btcusd: InstrumentID = 0
    static let unit: InstrumentID = 1
    static let perp: InstrumentID = 2

    init(shard number: WalletID = 0, wallets: Int = 2) {
        shards = Shards(live: Shard(number: number))
        for (index, definition) in Desk.definitions(wallet: number, wallets: wallets).enumerated() {
            if number == 0 {
                _ = run(.define(definition))
            } else {
                _ = shards.live.copyDefinition(number: Int64(index) + 1, definition, now: now) { record($0) }
            }
        }
    }

    static func definitions(wallet: WalletID, wallets: Int) -> [Definition] {
        var all: [Definition] = [
            .asset(AssetInfo(name: Text("USD"), decimals: 2)), .asset(AssetInfo(name: Text("BTC"), decimals: 8)),
            .asset(AssetInfo(name: Text("BNB"), decimals: 4)), .venue(VenueInfo(name: Text("manual"), kind: .manual)),
        ]
        for index in 0..<wallets { all.append(.wallet(WalletInfo(name: Text("wallet\(index)")))) }
        let fine = InstrumentTerms(tick: 100, lot: 1, minQuantity: 1, maxQuantity: 1 << 60, minNotional: 0)
        let whole = InstrumentTerms(tick: 1, lot: 1, minQuantity: 1, maxQuantity: 1 << 60, minNotional: 0)
        all.append(
            .instrument(
                InstrumentInfo(
                    symbol: Text("BTC-USD"), venue: 0, wallet: wallet, base: btc, quote: usd, priceScale: 4,
                    quantityScale: 8, terms: fine)))
        all.append(
            .instrument(
                InstrumentInfo(
                    symbol: Text("UNIT-USD"), venue: 0, wallet: wallet, base: btc, quote: usd, priceScale: 0,
                    quantityScale: 0, terms: whole)))
        all.append(
            .instrument(
                InstrumentInfo(
                    symbol: Text("PERP"), venue: 0, wallet: wallet, base: btc, quote: usd, priceScale: 2,
                    quantityScale: 2, funds: .none, terms: whole)))
        all.append(.account(7, .open))
        all.append(.account(8, .open))
        return all
    }

    private func record(_ mutation: borrowing Mutation) { log.append((copy mutation, now)) }

    @discardableResult
    func run(_ command: Command) -> Outcome {
        shards.live.execute(command, now: now) { record($0) }
    }

    func with<R>(_ body: (inout Shard) -> R) -> R { body(&shards.live) }
    func emitting<R>(_ body: (inout Shard, (borrowing Mutation) -> Void) -> R) -> R {
        body(&shards.live) { record($0) }
    }

    var hash: UInt64 { shards.live.stateHash() }
    var counts: ShardCounts { shards.live.counts }

    /// Replays what was recorded into a new shard, and checks what must hold of both.
    func check(_ location: SourceLocation = #_sourceLocation) {
        var replayed = Shard(number: shards.live.number)
        for (mutation, time) in log { replayed.evolve(mutation, at: time) }
        #expect(replayed.stateHash() == shards.live.stateHash(), "replay differs from live", sourceLocation: location)
        let (fault, match) = (shards.live.conservationFault(), shards.live.reservesMatch())
        #expect(fault == nil, "money is not conserved", sourceLocation: location)
        #expect(match, "reserves do not match open orders", sourceLocation: location)
    }

    /// The blocks of the state's image.
    func image() throws -> [[UInt8]] {
        var blocks: [[UInt8]] = []
        var out = ImageWriter { blocks.append([UInt8]($0)) }
        try shards.live.write(to: &out)
        try out.flush()
        return blocks
    }

    /// The shard that an image gives, with this one's registry.
    func load(_ blocks: [[UInt8]]) throws -> Shard {
        var loaded = Shard(number: shards.live.number)
        for (mutation, time) in log {
            if case .defined = mutation { loaded.evolve(mutation, at: time) }
        }
        var rest = blocks[...]
        let place = UnsafeMutableRawBufferPointer.allocate(byteCount: (blocks.map(\.count).max() ?? 0) + 1, alignment: 8)
        defer { place.deallocate() }
        var source = ImageReader {
            guard let block = rest.popFirst() else { return nil }
            place.copyBytes(from: block)
            return UnsafeRawBufferPointer(rebasing: place[..<block.count])
        }
        try loaded.read(from: &source)
        try source.finish()
        return loaded
    }

    /// Goes on with the state that the image gives, as a start from a snapshot does, and checks that it is the same.
    func reload(_ location: SourceLocation = #_sourceLocation) throws {
        let before = hash
        shards.live = try load(image())
        let after = hash
        #expect(before == after, "an image gives another state", sourceLocation: location)
    }

    // MARK: Shorthand

    func nextID(_ prefix: String = "t") -> Text {
        counter += 1
        return Text("\(prefix)-\(counter)")
    }

    func deposit(_ amount: String, _ asset: AssetID = Desk.usd, account: AccountNumber = 7) {
        run(.money(Money(.deposit, account: account, asset: asset, amount: amount18(amount), reference: nextID("dep"))))
    }

    /// Places a limit order and returns its OrderID, or `nil` if refused.
    @discardableResult
    func new(
        _ side: Side, _ quantity: String, _ price: String?, id: String? = nil, on instrument: InstrumentID = Desk.btcusd,
        account: AccountNumber = 7, max: String = "0", tif: TimeInForce = .gtc, expire: Timestamp = 0
    ) -> Outcome {
        let (p, q) = Desk.scales[Int(instrument)]
        return run(
            .newOrder(
                NewOrder(
                    account: account, instrument: instrument, side: side, type: price == nil ? .market : .limit,
                    timeInForce: tif, quantity: int64(quantity, q), price: price.map { int64($0, p) } ?? 0,
                    clientID: id.map { Text($0) } ?? nextID(), expire: expire, max: amount18(max))))
    }

    @discardableResult
    func replace(
        _ id: String, _ quantity: String, _ price: String?, on instrument: InstrumentID = Desk.btcusd, max: String = "0"
    ) -> Outcome {
        let (p, q) = Desk.scales[Int(instrument)]
        return run(
            .replace(
                Replace(
                    account: 7, instrument: instrument, order: .client(Text(id)), quantity: int64(quantity, q),
                    price: price.map { int64($0, p) } ?? 0, max: amount18(max))))
    }

    @discardableResult
    func cancel(_ id: String, on instrument: InstrumentID = Desk.btcusd) -> Outcome {
        run(.cancel(Cancel(account: 7, instrument: instrument, order: .client(Text(id)))))
    }

    @discardableResult
    func fill(
        _ id: String, _ quantity: String, _ price: String, fee: String = "0", in asset: AssetID = Desk.usd,
        exec: String? = nil, on instrument: InstrumentID = Desk.btcusd, withinLimit: Bool = false
    ) -> Outcome {
        let (p, q) = Desk.scales[Int(instrument)]
        return run(
            .fill(
                Fill(
                    account: 7, instrument: instrument, order: .client(Text(id)), quantity: int64(quantity, q),
                    price: int64(price, p), exec: exec.map { Text($0) } ?? nextID("exec"), fee: amount18(fee),
                    feeAsset: asset, withinLimit: withinLimit)))
    }

    /// An order of that side, filled whole at once.
    func trade(
        _ side: Side, _ quantity: String, _ price: String, fee: String = "0", in asset: AssetID = Desk.usd,
        on instrument: InstrumentID = Desk.unit
    ) {
        let id = nextID("trade")
        new(side, quantity, price, id: id.string, on: instrument)
        fill(id.string, quantity, price, fee: fee, in: asset, on: instrument)
    }

    static let scales: [(Int, Int)] = [(4, 8), (0, 0), (2, 2)]

    func terms(_ instrument: InstrumentID) -> InstrumentTerms { shards.live.registry.instruments[Int(instrument)].terms }
    var nextExpiry: Timestamp { shards.live.nextExpiry }

    func unrealized(_ instrument: InstrumentID = Desk.unit) -> Amount? {
        shards.live.position(account: 7, instrument: instrument).flatMap { shards.live.unrealized($0) }
    }

    // MARK: Prints

    /// "available reserved held transit"
    func balance(_ asset: AssetID = Desk.usd, account: AccountNumber = 7) -> String {
        guard let it = shards.live.balance(account: account, asset: asset) else { return "none" }
        return [it.available, it.reserved, it.held, it.transit].map { text($0) }.joined(separator: " ")
    }

    /// "quantity cost realized"
    func position(_ instrument: InstrumentID = Desk.unit) -> String {
        guard let it = shards.live.position(account: 7, instrument: instrument) else { return "none" }
        let q = Desk.scales[Int(instrument)].1
        return "\(text(Int128(it.quantity), scale: q)) \(text(it.cost)) \(text(it.realized))"
    }

    func average(_ instrument: InstrumentID = Desk.unit) -> Price {
        guard let it = shards.live.position(account: 7, instrument: instrument) else { return 0 }
        return Numbers.averagePrice(
            cost: it.cost, position: it.quantity, of: shards.live.registry.instruments[Int(instrument)])
    }

    /// "status leaves cum"
    func order(_ id: String, on instrument: InstrumentID = Desk.btcusd) -> String {
        guard let it = shards.live.order(account: 7, instrument: instrument, .client(Text(id))) else { return "none" }
        let q = Desk.scales[Int(instrument)].1
        return "\(it.view.status) \(text(Int128(it.view.leaves), scale: q)) \(text(Int128(it.view.cumulative), scale: q))"
    }
}

// MARK: Decimal text, the slow and obvious way

func int128(_ string: String, _ scale: Int) -> Int128 {
    let negative = string.hasPrefix("-")
    let parts = string.drop { $0 == "-" }.split(separator: ".", omittingEmptySubsequences: false)
    let fraction = parts.count > 1 ? String(parts[1]) : ""
    precondition(fraction.count <= scale, "\(string) has more than \(scale) decimals")
    let digits = parts[0] + fraction + String(repeating: "0", count: scale - fraction.count)
    return (negative ? -1 : 1) * Int128(digits)!
}

func int64(_ string: String, _ scale: Int) -> Int64 { Int64(int128(string, scale)) }
func amount18(_ string: String) -> Amount { int128(string, 18) }

func text(_ value: Int128, scale: Int = 18) -> String {
    var digits = String(value.magnitude)
    if digits.count <= scale { digits = String(repeating: "0", count: scale + 1 - digits.count) + digits }
    var fraction = String(digits.suffix(scale))
    while fraction.hasSuffix("0") { fraction.removeLast() }
    let whole = digits.dropLast(scale)
    return (value < 0 ? "-" : "") + whole + (fraction.isEmpty ? "" : "." + fraction)
}

extension Outcome {
    /// The rejection, or `nil`.
    var rejection: Rejection? {
        if case .rejected(let it) = self { return it }
        return nil
    }
    var isDuplicate: Bool {
        switch self {
        case .order(_, let it), .filled(_, _, let it), .balance(_, _, let it), .transferring(_, _, _, _, let it), .done(let it),
            .defined(_, _, let it), .position(_, let it):
            return it
        case .rejected, .canceled: return false
        }
    }
    var view: OrderView? {
        switch self {
        case .order(let it, _), .filled(let it, _, _): return it
        default: return nil
        }
    }
}
