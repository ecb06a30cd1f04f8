import Core

/// The registry as its numbered entries, and what it was after each of them: shards and loops take the entries one by one, so what a command met
/// may be behind.
struct Names {
    private(set) var entries: [Definition] = []
    private(set) var assets: [AssetInfo] = []
    private(set) var wallets: [WalletInfo] = []
    private(set) var venues: [VenueInfo] = []
    private(set) var instruments: [InstrumentInfo] = []
    /// In the order of opening.
    private(set) var accounts: [AccountNumber] = []
    // Since which entry; what changes, with every change.
    private var assetSince: [String: (id: AssetID, number: Int64)] = [:]
    private var walletSince: [String: (id: WalletID, number: Int64)] = [:]
    private var venueSince: [String: (id: VenueID, number: Int64)] = [:]
    private var symbolSince: [String: (id: InstrumentID, number: Int64)] = [:]
    private var terms: [Versioned<InstrumentTerms>] = []
    private var statuses: [AccountNumber: Versioned<AccountStatus>] = [:]
    private var openedAt: [AccountNumber: Int64] = [:]
    private var settings = Setting.allCases.map { Versioned($0.defaultValue) }

    var count: Int64 { Int64(entries.count) }

    func asset(_ name: String, at number: Int64) -> AssetID? { assetSince[name].flatMap { $0.number <= number ? $0.id : nil } }
    func wallet(_ name: String, at number: Int64) -> WalletID? { walletSince[name].flatMap { $0.number <= number ? $0.id : nil } }
    func venue(_ name: String, at number: Int64) -> VenueID? { venueSince[name].flatMap { $0.number <= number ? $0.id : nil } }
    func instrument(_ symbol: String, at number: Int64) -> InstrumentID? { symbolSince[symbol].flatMap { $0.number <= number ? $0.id : nil } }
    func terms(_ id: InstrumentID, at number: Int64) -> InstrumentTerms { terms[Int(id)].at(UInt64(number)) }
    /// The definition with the terms of that moment.
    func info(_ id: InstrumentID, at number: Int64) -> InstrumentInfo {
        var info = instruments[Int(id)]
        info.terms = terms(id, at: number)
        return info
    }
    /// `nil`: not opened.
    func status(_ account: AccountNumber, at number: Int64) -> AccountStatus? {
        guard let opened = openedAt[account], opened <= number else { return nil }
        return statuses[account]!.at(UInt64(number))
    }
    /// Matched here.
    func isInternal(_ id: InstrumentID) -> Bool { venues[Int(instruments[Int(id)].venue)].kind == .internal }
    func setting(_ setting: Setting, at number: Int64) -> Int64 { settings[Int(setting.rawValue)].at(UInt64(number)) }
    /// The entry that defined the wallet.
    func since(wallet: WalletID) -> Int64 { Int(wallet) < wallets.count ? walletSince[wallets[Int(wallet)].name.plain]!.number : 0 }
    func walletCount(at number: Int64) -> Int { walletSince.values.count { $0.number <= number } }
    /// By order of opening.
    func accounts(at number: Int64) -> [AccountNumber] { accounts.filter { openedAt[$0]! <= number } }
    func place(of account: AccountNumber) -> Int { accounts.firstIndex(of: account) ?? Int.max }

    mutating func append(_ definition: Definition) {
        entries.append(definition)
        let number = count
        switch definition {
        case .asset(let info):
            assetSince[info.name.plain] = (AssetID(assets.count), number)
            assets.append(info)
        case .wallet(let info):
            walletSince[info.name.plain] = (WalletID(wallets.count), number)
            wallets.append(info)
        case .venue(let info):
            venueSince[info.name.plain] = (VenueID(venues.count), number)
            venues.append(info)
        case .instrument(let info):
            symbolSince[info.symbol.plain] = (InstrumentID(instruments.count), number)
            instruments.append(info)
            terms.append(Versioned(info.terms))
        case .changeInstrument(let id, let changed):
            terms[Int(id)].set(changed, UInt64(number))
        case .account(let account, let status):
            if openedAt[account] == nil {
                openedAt[account] = number
                accounts.append(account)
                statuses[account] = Versioned(status)
            } else {
                statuses[account]!.set(status, UInt64(number))
            }
        case .setting(let setting, let value):
            settings[Int(setting.rawValue)].set(value, UInt64(number))
        }
    }
}

/// A value and what it was: after each LSN (or registry entry) that changed it.
struct Versioned<Value> {
    private var versions: [(since: UInt64, value: Value)]

    init(_ value: Value) { versions = [(0, value)] }

    var last: Value { versions[versions.count - 1].value }
    /// When it was set first.
    private(set) var first = UInt64.max

    func at(_ point: UInt64) -> Value {
        var index = versions.count - 1
        while index > 0, versions[index].since > point { index -= 1 }
        return versions[index].value
    }

    /// What it was at any time from `low` to `high`.
    func values(_ low: UInt64, _ high: UInt64) -> [Value] {
        [at(low)] + versions.filter { $0.since > low && $0.since <= high }.map(\.value)
    }

    mutating func set(_ value: Value, _ point: UInt64) {
        first = min(first, point)
        if versions[versions.count - 1].since == point { versions[versions.count - 1].value = value } else { versions.append((point, value)) }
    }

    /// Forgets what nobody can ask for any more: what it was before `point`.
    mutating func forget(before point: UInt64) {
        var first = 0
        while first + 1 < versions.count, versions[first + 1].since <= point { first += 1 }
        if first > 0 { versions.removeFirst(first) }
    }
    var count: Int { versions.count }
}
