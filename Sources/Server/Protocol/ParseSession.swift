import Core

/// AUTH, HELP, STAT, SUB.
extension LineParser {
    static func authenticate(_ a: Arguments, _ parsed: inout ParsedLine) throws(Refusal) {
        let token = a.field(0)
        let none = a.isDash(a[0])
        parsed.request = .session(
            .authenticate(
                SessionVerb.Authentication(
                    tokenStart: none ? 0 : Int(token.start), tokenEnd: none ? 0 : Int(token.end), session: try a.text(.session),
                    heartbeatSeconds: a.has(.hb)
                        ? Int(try a.whole(a.bytes(.hb), "hb", 1...3_600, expected: "1..3600")) : 0,
                    cancelOnDisconnect: try a.flag(.cod))))
    }

    static func help(_ a: Arguments, _ parsed: inout ParsedLine) throws(Refusal) {
        var about: Verb?
        if a.count > 0 {
            about = Verb(a[0])
            if about == nil { throw .unknownVerb(Text(cut: a[0])) }
        }
        parsed.request = .session(.help(about))
    }

    static func status(_ a: Arguments, _ parsed: inout ParsedLine) throws(Refusal) {
        let hash = try a.flag(.hash)
        parsed.request = .session(.status(hash: hash))
        parsed.requires = Requires(hash ? .admin : .session)
    }

    static func subscribe(_ a: Arguments, _ registry: borrowing Registry, _ parsed: inout ParsedLine) throws(Refusal) {
        if a.has(.book) || a.has(.trades) || a.has(.depth) { return try subscribeMarket(a, registry, &parsed) }
        let account = a.has(.account) ? try a.account(a.bytes(.account)) : 0
        parsed.request = .session(
            .subscribe(
                SessionVerb.Subscription(
                    from: a.has(.from) ? try position(a) : nil, account: account,
                    instrument: a.has(.symbol) ? try a.instrument(a.bytes(.symbol), registry) : -1,
                    kinds: a.has(.kind) ? try kinds(a) : .all)))
        parsed.requires = account > 0 ? Requires(.view, account: account) : Requires(.session)
    }

    /// `LSN` or `LSN.K`.
    private static func position(_ a: Arguments) throws(Refusal) -> SessionVerb.Subscription.Position {
        let bytes = a.bytes(.from)
        let point = bytes.firstIndex(of: UInt8(ascii: ".")) ?? bytes.count
        let lsn = try a.int64(UnsafeRawBufferPointer(rebasing: bytes[0..<point]), "from", scale: 0)
        guard point < bytes.count else { return .init(lsn: lsn, event: nil) }
        let event = try a.int64(UnsafeRawBufferPointer(rebasing: bytes[(point + 1)...]), "from", scale: 0)
        return .init(lsn: lsn, event: Int(event))
    }

    /// `K,K`: each a kind, none twice.
    private static func kinds(_ a: Arguments) throws(Refusal) -> EventKinds {
        let bytes = a.bytes(.kind)
        var kinds = EventKinds()
        var start = 0
        while start <= bytes.count {
            let end = bytes[start...].firstIndex(of: UInt8(ascii: ",")) ?? bytes.count
            let name = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
            guard let kind = EventKind.allCases.first(where: { a.isWord(name, $0.name) }), kinds.insert(EventKinds(kind)).inserted else {
                throw .badValue(
                    argument: "kind", value: Text(cut: bytes), expected: "ORDER,TRADE,POSITION,BALANCE,LIMIT,MARK,REGISTRY")
            }
            start = end + 1
        }
        return kinds
    }
}
