/// The definitions every shard and every loop has its own copy of: assets, wallets, venues, instruments, accounts, settings.
///
/// Evolved by ``Mutation/defined(number:_:)`` in number order; ids are indices in the order of definition, so every copy gives the same.
/// Owner: the shard or loop that holds it.
public struct Registry: ~Copyable {
    public static let assetsMax = 4_096
    public static let walletsMax = 1_024
    public static let venuesMax = 4_096
    public static let instrumentsMax = 1_000_000
    /// Account numbers are whole numbers up to 2^53 - 1, so that they survive JSON.
    public static let accountNumberMax: AccountNumber = (1 << 53) - 1

    /// The number of the last entry applied.
    public private(set) var number: Int64 = 0
    public private(set) var assets: [AssetInfo] = []
    public private(set) var wallets: [WalletInfo] = []
    public private(set) var venues: [VenueInfo] = []
    public private(set) var instruments: [InstrumentInfo] = []
    /// In order of opening; a shard keeps its account arrays by this index.
    public private(set) var accounts: [Account] = []
    public private(set) var settings: [Int64] = Setting.allCases.map(\.defaultValue)

    private var assetNames = IndexTable()
    private var walletNames = IndexTable()
    private var venueNames = IndexTable()
    private var symbols = IndexTable()
    private var accountNumbers = IndexTable()

    public struct Account: BitwiseCopyable, Sendable {
        public var number: AccountNumber
        public var status: AccountStatus
    }

    /// Read in place, not copied to be read: see ``Shard``.
    private let addressOnly: Any? = nil

    public init() {}

    // MARK: Look-up

    public func asset(_ name: Text) -> AssetID? { assetNames.find(name.hash) { assets[Int($0)].name == name } }
    public func wallet(_ name: Text) -> WalletID? { walletNames.find(name.hash) { wallets[Int($0)].name == name } }
    public func venue(_ name: Text) -> VenueID? { venueNames.find(name.hash) { venues[Int($0)].name == name } }
    public func instrument(_ symbol: Text) -> InstrumentID? {
        symbols.find(symbol.hash) { instruments[Int($0)].symbol == symbol }
    }
    /// The account's index into ``accounts``.
    @inline(__always)
    public func account(_ number: AccountNumber) -> Int32? {
        accountNumbers.find(mix(UInt64(bitPattern: number))) { accounts[Int($0)].number == number }
    }
    public func setting(_ setting: Setting) -> Int64 { settings[Int(setting.rawValue)] }

    // MARK: Decide

    /// What defining this would come to: a rejection, `.duplicate` when it is so already, or the entry to record (a repeat of an
    /// instrument's definition with other terms than now is refused; ``Definition/changeInstrument(_:_:)`` changes them).
    public enum Check: BitwiseCopyable, Sendable { case new, duplicate, rejected(Rejection) }

    public func check(_ definition: Definition) -> Check {
        switch definition {
        case .asset(let info):
            if let known = asset(info.name) {
                return assets[Int(known)] == info ? .duplicate : .rejected(.alreadyExists(info.name))
            }
            guard (0...18).contains(info.decimals) else { return .rejected(.badValue(.decimals)) }
            return assets.count < Registry.assetsMax ? .new : .rejected(.tableFull(.assets, max: Int64(Registry.assetsMax)))
        case .wallet(let info):
            if wallet(info.name) != nil { return .duplicate }
            return wallets.count < Registry.walletsMax ? .new : .rejected(.tableFull(.wallets, max: Int64(Registry.walletsMax)))
        case .venue(let info):
            if let known = venue(info.name) {
                return venues[Int(known)] == info ? .duplicate : .rejected(.alreadyExists(info.name))
            }
            guard info.kind != .connector else { return .rejected(.notSupported(.venue)) }
            return venues.count < Registry.venuesMax ? .new : .rejected(.tableFull(.venues, max: Int64(Registry.venuesMax)))
        case .instrument(let info):
            return check(info)
        case .changeInstrument(let id, let terms):
            guard let info = instrumentInfo(id) else { return .rejected(.unknownInstrument(id)) }
            if info.terms == terms { return .duplicate }
            if let key = Registry.fault(in: terms) { return .rejected(.badValue(key)) }
            if let what = fault(in: terms, ofVenue: info.venue) { return .rejected(.notSupported(what)) }
            return .new
        case .account(let number, let status):
            guard (1...Registry.accountNumberMax).contains(number) else { return .rejected(.badValue(.account)) }
            if let index = account(number) { return accounts[Int(index)].status == status ? .duplicate : .new }
            guard status == .open else { return .rejected(.unknownAccount(number)) }
            return accounts.count < Int(Int32.max) ? .new : .rejected(.tableFull(.accounts, max: Int64(Int32.max)))
        case .setting(let setting, let value):
            guard setting.allowed.contains(value) else { return .rejected(.badValue(.value)) }
            return self.setting(setting) == value ? .duplicate : .new
        }
    }

    private func check(_ info: InstrumentInfo) -> Check {
        if let known = instrument(info.symbol) {
            let old = instruments[Int(known)]
            if old == info { return .duplicate }
            if old.venue != info.venue { return .rejected(.fixed(.venue)) }
            if old.wallet != info.wallet { return .rejected(.fixed(.wallet)) }
            if old.base != info.base { return .rejected(.fixed(.base)) }
            if old.quote != info.quote { return .rejected(.fixed(.quote)) }
            if old.priceScale != info.priceScale { return .rejected(.fixed(.priceScale)) }
            if old.quantityScale != info.quantityScale { return .rejected(.fixed(.quantityScale)) }
            if old.funds != info.funds { return .rejected(.fixed(.funds)) }
            return .rejected(.alreadyExists(info.symbol))
        }
        guard info.venue >= 0, Int(info.venue) < venues.count else { return .rejected(.badValue(.venue)) }
        guard info.wallet >= 0, Int(info.wallet) < wallets.count else { return .rejected(.unknownWallet(info.wallet)) }
        guard info.base >= 0, Int(info.base) < assets.count else { return .rejected(.unknownAsset(info.base)) }
        guard info.quote >= 0, Int(info.quote) < assets.count, info.quote != info.base else {
            return .rejected(.badValue(.quote))
        }
        guard info.priceScale >= 0, info.quantityScale >= 0, info.priceScale + info.quantityScale <= 18 else {
            return .rejected(.badValue(.priceScale))
        }
        if let key = Registry.fault(in: info.terms) { return .rejected(.badValue(key)) }
        if let what = fault(in: info.terms, ofVenue: info.venue) { return .rejected(.notSupported(what)) }
        return instruments.count < Registry.instrumentsMax
            ? .new : .rejected(.tableFull(.instruments, max: Int64(Registry.instrumentsMax)))
    }

    private static func fault(in terms: InstrumentTerms) -> Rejection.Key? {
        if terms.tick <= 0 { return .tick }
        if terms.lot <= 0 { return .lot }
        if terms.minQuantity < 0 { return .minQuantity }
        if terms.maxQuantity <= 0 || terms.maxQuantity < terms.minQuantity { return .maxQuantity }
        if terms.minNotional < 0 || terms.minNotional >= Balance.limit { return .minNotional }
        if !FeeRates.allowed.contains(terms.fees.maker) { return .makerFee }
        if !FeeRates.allowed.contains(terms.fees.taker) { return .takerFee }
        return nil
    }

    /// What only an internal venue knows: fees, because elsewhere the venue says what they are, and states that bear on matching.
    private func fault(in terms: InstrumentTerms, ofVenue venue: VenueID) -> Rejection.What? {
        if venues[Int(venue)].kind == .internal { return nil }
        if terms.fees != FeeRates() { return .fee }
        return terms.state == .postOnly || terms.state == .cancelOnly ? .venue : nil
    }

    public func instrumentInfo(_ id: InstrumentID) -> InstrumentInfo? {
        id >= 0 && Int(id) < instruments.count ? instruments[Int(id)] : nil
    }

    // MARK: Evolve

    /// Whether an entry read from a file can be evolved: what it refers to is there. Asks no rule, which a later version may have changed.
    package func fits(_ definition: Definition) -> Bool {
        switch definition {
        case .asset, .wallet, .venue, .setting: true
        case .instrument(let info):
            info.venue >= 0 && Int(info.venue) < venues.count && info.wallet >= 0 && Int(info.wallet) < wallets.count && info.base >= 0
                && Int(info.base) < assets.count && info.quote >= 0 && Int(info.quote) < assets.count && info.priceScale >= 0
                && info.quantityScale >= 0 && info.priceScale <= 18 && info.quantityScale <= 18 - info.priceScale
        case .changeInstrument(let id, _): instrumentInfo(id) != nil
        case .account(let number, _): number > 0
        }
    }

    public mutating func evolve(number: Int64, _ definition: Definition) {
        invariant(number == self.number + 1, "registry entries out of order")
        self.number = number
        switch definition {
        case .asset(let info):
            assetNames.insert(info.name.hash, Int32(assets.count))
            assets.append(info)
        case .wallet(let info):
            walletNames.insert(info.name.hash, Int32(wallets.count))
            wallets.append(info)
        case .venue(let info):
            venueNames.insert(info.name.hash, Int32(venues.count))
            venues.append(info)
        case .instrument(let info):
            symbols.insert(info.symbol.hash, Int32(instruments.count))
            instruments.append(info)
        case .changeInstrument(let id, let terms):
            instruments[Int(id)].terms = terms
        case .account(let number, let status):
            if let index = account(number) {
                accounts[Int(index)].status = status
            } else {
                accountNumbers.insert(mix(UInt64(bitPattern: number)), Int32(accounts.count))
                accounts.append(Account(number: number, status: status))
            }
        case .setting(let setting, let value):
            settings[Int(setting.rawValue)] = value
        }
    }
}
