import Core

/// AST, WLT, VEN, ACC, SET: definitions, or lists where nothing is given to define.
extension LineParser {
    static func assets(_ a: Arguments, _ registry: borrowing Registry, _ parsed: inout ParsedLine) throws(Refusal) {
        guard a.count > 0 || a.has(.decimals) else { return try finish(Query(.assets), a, &parsed) }
        guard a.count > 0 else { throw .missingArgument(.assets, index: 0) }
        guard a.has(.decimals) else { throw .missingKey("decimals") }
        let decimals = try a.whole(a.bytes(.decimals), "decimals", 0...18, expected: "0..18")
        try define(.asset(AssetInfo(name: try a.name(a[0], "name"), decimals: Int32(decimals))), a, &parsed)
    }

    static func wallets(_ a: Arguments, _ registry: borrowing Registry, _ parsed: inout ParsedLine) throws(Refusal) {
        guard a.count > 0 else { return try finish(Query(.wallets), a, &parsed) }
        try define(.wallet(WalletInfo(name: try a.name(a[0], "name"))), a, &parsed)
    }

    static func venues(_ a: Arguments, _ registry: borrowing Registry, _ parsed: inout ParsedLine) throws(Refusal) {
        guard a.count > 0 || a.has(.kind) else { return try finish(Query(.venues), a, &parsed) }
        guard a.count > 0 else { throw .missingArgument(.venues, index: 0) }
        guard a.has(.kind) else { throw .missingKey("kind") }
        let kind = a.bytes(.kind)
        if a.isWord(kind, "connector") { throw .notSupported("connector") }
        let isInternal = a.isWord(kind, "internal")
        guard isInternal || a.isWord(kind, "manual") else {
            throw .badValue(argument: "kind", value: Text(cut: kind), expected: "manual|internal")
        }
        try define(.venue(VenueInfo(name: try a.name(a[0], "name"), kind: isInternal ? .internal : .manual)), a, &parsed)
    }

    static func accounts(_ a: Arguments, _ registry: borrowing Registry, _ parsed: inout ParsedLine) throws(Refusal) {
        guard a.count > 1 else {
            var query = Query(.accounts)
            if a.count == 1 {
                query.account = try a.account(a[0])
                if a.has(.after) { throw .unknownKey(Text("after")) }
            }
            if a.has(.after) {
                query.after = try a.whole(a.bytes(.after), "after", 0...Registry.accountNumberMax, expected: "account")
            }
            return try finish(query, a, &parsed)
        }
        if a.has(.after) { throw .unknownKey(Text("after")) }
        if a.isWord(a[0], "*") { return try house(a, &parsed) }
        let account = try a.account(a[0])
        let known = registry.account(account).map { registry.accounts[Int($0)] }
        let action = a[1]
        let status: AccountStatus
        if a.isWord(action, "open") {
            // Whoever sets accounts up again must not lift a kill switch by it.
            if known?.status == .suspended { throw .accountExists(account) }
            status = .open
        } else if a.isWord(action, "suspend") || a.isWord(action, "resume") {
            guard known != nil else { throw .unknownAccount(account) }
            status = a.isWord(action, "suspend") ? .suspended : .open
            parsed.resumes = status == .open
        } else {
            throw .badValue(argument: "action", value: Text(cut: action), expected: "open|suspend|resume")
        }
        try define(.account(account, status), a, &parsed)
    }

    /// Every account at once.
    private static func house(_ a: Arguments, _ parsed: inout ParsedLine) throws(Refusal) {
        if a.has(.limit) { throw .unknownKey(Text("limit")) }
        guard a.isWord(a[1], "suspend") || a.isWord(a[1], "resume") else {
            throw .badValue(argument: "action", value: Text(cut: a[1]), expected: "suspend|resume")
        }
        parsed.request = .house(a.isWord(a[1], "suspend") ? .suspended : .open)
        parsed.requires = Requires(.admin)
    }

    static func settings(_ a: Arguments, _ registry: borrowing Registry, _ parsed: inout ParsedLine) throws(Refusal) {
        guard a.count > 0 else { return try finish(Query(.settings), a, &parsed) }
        let key = a[0]
        guard let setting = setting(key) else { throw .unknownSetting(Text(cut: key)) }
        guard a.count > 1 else { throw .missingArgument(.settings, index: 1) }
        let value = try a.int64(a[1], "value", scale: 0)
        guard setting.allowed.contains(value) else {
            let expected: StaticString =
                switch setting {
                case .windowHours: "1..8760"
                case .windowIDs: "1000..100000000"
                case .marketMarginBps: "0..100000"
                case .dayStartMinutes: "0..1439"
                }
            throw .badValue(argument: "value", value: Text(cut: a[1]), expected: expected)
        }
        try define(.setting(setting, value), a, &parsed)
    }

    private static func setting(_ name: UnsafeRawBufferPointer) -> Setting? {
        for setting in Setting.allCases where name.elementsEqual(setting.name.utf8) { return setting }
        return nil
    }
}
