import Core

/// Stage "line -> parse -> command" of a request's path: the bytes of one line, without its end, to a ``ParsedLine``. No state, no
/// allocation, no I/O. Strict: what the grammar of docs/PROTOCOL.md does not allow is refused with the code that says why.
public enum LineParser {
    /// Most bytes of a line, without its end.
    public static let lineMax = 1_024
    /// The same for AUTH, whose token is long.
    public static let authLineMax = 8_192
    public static let tagMax = 20
    /// Amounts are below this many units of 10^-18: what a balance can hold.
    static let amountBound: UInt128 = 1 << 110

    /// Parses one line, in place: a parsed line is never copied. An empty line is not a command: the caller skips it.
    public static func parse(_ line: UnsafeRawBufferPointer, registry: borrowing Registry, into parsed: inout ParsedLine) {
        parsed.begin()
        guard let tag = tag(of: line) else {
            parsed.tag = Text()
            parsed.request = .refused(.badTag)
            return
        }
        parsed.tag = tag
        do {
            try parse(line, registry, &parsed)
        } catch {
            parsed.request = .refused(error)
            parsed.requires = Requires(.nothing)
            parsed.opensAccount = false
        }
    }

    /// The tag of a line or of the beginning of an over-long one; `nil` when it cannot be read.
    public static func tag(of line: UnsafeRawBufferPointer) -> Text? {
        var length = 0
        while length < line.count, line[length] != UInt8(ascii: " ") {
            guard length < tagMax, isTagByte(line[length]) else { return nil }
            length &+= 1
        }
        return length == 0 ? nil : Text(bytes: UnsafeRawBufferPointer(rebasing: line[0..<length]))
    }

    /// `A-Z a-z 0-9 _ -`, a bit each.
    @inline(__always)
    private static func isTagByte(_ byte: UInt8) -> Bool {
        let (low, high): (UInt64, UInt64) = (0x03FF_2000_0000_0000, 0x07FF_FFFE_87FF_FFFE)
        return byte < 128 && (byte < 64 ? low : high) >> UInt64(byte & 63) & 1 != 0
    }

    /// How many bytes the line that begins so may have: ``authLineMax`` after a tag and `AUTH`, otherwise ``lineMax``.
    public static func maxLength(_ line: UnsafeRawBufferPointer) -> Int {
        guard let tag = tag(of: line), line.count >= tag.count + 6 else { return lineMax }
        let start = tag.count + 1
        let verb = Verb(UnsafeRawBufferPointer(rebasing: line[start..<start + 4]))
        return verb == .auth && line[start + 4] == UInt8(ascii: " ") ? authLineMax : lineMax
    }

    private static func parse(
        _ line: UnsafeRawBufferPointer, _ registry: borrowing Registry, _ parsed: inout ParsedLine
    ) throws(Refusal) {
        if line.count > lineMax {
            let most = maxLength(line)
            if line.count > most { throw .lineTooLong(max: most) }
        }
        let fields = try Fields(line)
        if fields.count < 2 { throw .missingVerb }
        let name = UnsafeRawBufferPointer(rebasing: line[Int(fields[1].start)..<Int(fields[1].end)])
        guard let verb = Verb(name) else { throw .unknownVerb(Text(cut: name)) }
        parsed.verb = verb
        if let what = reserved(verb) { throw .notSupported(what) }
        let arguments = try Arguments(line, fields, verb: verb)
        if arguments.has(.before) { parsed.before = try arguments.time(.before) }

        switch verb {
        case .new: try newOrder(arguments, registry, &parsed)
        case .replace: try replace(arguments, registry, &parsed)
        case .cancel: try cancel(arguments, registry, &parsed)
        case .cancelAll: try cancelAll(arguments, registry, &parsed)
        case .fill: try fill(arguments, registry, &parsed)
        case .close: try closePosition(arguments, registry, &parsed)
        case .mark: try mark(arguments, registry, &parsed)

        case .deposit: try money(.deposit, arguments, registry, &parsed)
        case .withdraw: try money(.withdraw, arguments, registry, &parsed)
        case .adjust: try money(.adjust, arguments, registry, &parsed)
        case .hold: try money(.hold, arguments, registry, &parsed)
        case .release: try money(.release, arguments, registry, &parsed)
        case .transfer: try transfer(arguments, registry, &parsed)
        case .takeOver: try takeOver(arguments, registry, &parsed)

        case .balances: try balances(arguments, registry, &parsed)
        case .positions: try positions(arguments, registry, &parsed)
        case .orders: try orders(arguments, registry, &parsed)
        case .trades: try trades(arguments, registry, &parsed)
        case .book: try book(arguments, registry, &parsed)
        case .market: try market(arguments, registry, &parsed)

        case .assets: try assets(arguments, registry, &parsed)
        case .wallets: try wallets(arguments, registry, &parsed)
        case .venues: try venues(arguments, registry, &parsed)
        case .instruments: try instruments(arguments, registry, &parsed)
        case .accounts: try accounts(arguments, registry, &parsed)
        case .limits: try limits(arguments, registry, &parsed)
        case .deadMan: try deadMan(arguments, registry, &parsed)
        case .settings: try settings(arguments, registry, &parsed)

        case .auth: try authenticate(arguments, &parsed)
        case .help: try help(arguments, &parsed)
        case .stat: try status(arguments, &parsed)
        case .subscribe: try subscribe(arguments, registry, &parsed)
        case .sessions:
            parsed.request = .session(.sessions)
            parsed.requires = Requires(.admin)
        case .snapshot:
            parsed.request = .session(.snapshot)
            parsed.requires = Requires(.admin)
        case .ping: parsed.request = .session(.ping)
        case .time: parsed.request = .session(.time)
        case .quit: parsed.request = .session(.quit)
        case .sync:
            parsed.request = .session(.sync)
            parsed.requires = Requires(.session)
        case .unsubscribe: try unsubscribe(arguments, registry, &parsed)

        case .acknowledge, .reject, .canceledByVenue, .replacedByVenue, .cancelRejected:
            invariantFailure("a reserved verb was not refused")
        }
    }

    /// Verbs that a later version will take, whatever their arguments.
    private static func reserved(_ verb: Verb) -> StaticString? {
        switch verb {
        case .acknowledge: "ACK"
        case .reject: "REJ"
        case .canceledByVenue: "CAN"
        case .replacedByVenue: "RPD"
        case .cancelRejected: "CRJ"
        default: nil
        }
    }
}
