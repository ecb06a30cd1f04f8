import Core

/// One line per verb: its form, what it does, who may. HELP prints it, refusals take argument names from it, tests compare it with the
/// parser's ``VerbShape`` and with docs/PROTOCOL.md.
public struct Help: Sendable {
    public var verb: Verb
    /// Positional arguments, then options; `[ ]` around what may be left out.
    public var form: String
    public var meaning: String
    public var roles: String

    private init(_ verb: Verb, _ form: String, _ meaning: String, _ roles: String) {
        self.verb = verb
        self.form = form
        self.meaning = meaning
        self.roles = roles
    }

    public static let table: [Help] = [
        Help(.auth, "<jwt|-> [session=NAME] [hb=SECONDS] [cod=0|1]", "who this session is and what it may", "anyone"),
        Help(.ping, "", "answered at once, in order", "anyone"),
        Help(.time, "", "the service's time", "anyone"),
        Help(.sync, "", "answered when everything before it is", "any"),
        Help(.help, "[VERB]", "this list, or the form of one verb", "anyone"),
        Help(.stat, "[hash=1]", "figures of the service and of each wallet", "any"),
        Help(.sessions, "", "who is connected", "admin"),
        Help(.snapshot, "", "make a snapshot; answered when it is on the disk", "admin"),
        Help(.quit, "", "close the connection", "anyone"),
        Help(
            .new,
            "account symbol side type qty price|- tif id= [expire=] [max=] [stop=] [take=1] [trigger=last|mark] [display=] [post=1] [reduce=1] "
                + "[oco=] [stp=newest|oldest|both|decrement] [strategy=] [note=] [before=]",
            "new order", "trader"),
        Help(.replace, "account symbol order qty price|- [max=] [stop=] [before=]", "replace: new OrderQty and price", "trader"),
        Help(.cancel, "account symbol order [reason=] [before=]", "cancel an order", "trader"),
        Help(.cancelAll, "account [symbol] [wallet=] [before=]", "cancel all open orders of an account", "trader"),
        Help(
            .fill, "account symbol order qty price exec= [fee=] [feeasset=] [liq=M|T] [time=] [before=]",
            "report an execution of the venue", "trader,connector"),
        Help(
            .close, "account symbol [qty|-] [price|-] id= [max=] [strategy=] [note=] [before=]",
            "close a position with an order of the other side", "trader"),
        Help(.deposit, "account asset amount ref= [wallet=] [note=]", "deposit; opens the account if it is new", "admin"),
        Help(.withdraw, "account asset amount ref= [wallet=] [note=]", "withdraw from available", "admin"),
        Help(.adjust, "account asset [-]amount ref= reason= [wallet=]", "signed correction of available", "admin"),
        Help(.hold, "account asset amount ref= [wallet=] [reason=]", "available to held", "admin"),
        Help(.release, "account asset amount ref= [wallet=] [reason=]", "held to available", "admin"),
        Help(
            .transfer, "from to asset amount ref= [from=WALLET] [to=WALLET] [note=]",
            "transfer between accounts and wallets", "trader"),
        Help(.takeOver, "account symbol [-]qty price ref= [note=]", "take over a position built elsewhere", "admin"),
        Help(.balances, "account [asset] [wallet=] [limit=]", "balances", "viewer"),
        Help(.positions, "account [symbol] [limit=]", "positions", "viewer"),
        Help(
            .orders, "account [symbol] [order] [status=open|closed|all] [limit=] [after=OrderID]", "one order, or a list",
            "viewer"),
        Help(.trades, "account [symbol] [order] [limit=]", "trades, newest first", "viewer"),
        Help(.book, "symbol [depth=N]", "the order book of an internal venue, best first", "any"),
        Help(.market, "[symbol] [limit=]", "last price, best prices and the last 24 hours", "any"),
        Help(.assets, "[name] [decimals=N] [limit=]", "define an asset, or list", "admin,any"),
        Help(.wallets, "[name] [limit=]", "define a wallet, or list", "admin,any"),
        Help(.venues, "[name] [kind=manual|internal] [limit=]", "define a venue, or list", "admin,any"),
        Help(
            .instruments,
            "[symbol] [venue=] [wallet=] [base=] [quote=] [tick=] [lot=] [price_scale=] [qty_scale=] [min_qty=] [max_qty=] "
                + "[min_notional=] [funds=full|none] [state=trading|post_only|cancel_only|halted] [maker_bps=] [taker_bps=] [limit=]",
            "define, change or list instruments", "admin,any"),
        Help(
            .accounts, "[account|*] [open|suspend|resume] [limit=] [after=account]", "open, suspend (kill switch), resume or list; * is all",
            "admin,viewer"),
        Help(
            .limits,
            "account|* [symbol] [wallet=] [max_qty=] [max_notional=] [max_position=] [max_open=] [enabled=0|1] [price_band_bps=] [max_order_rate=] "
                + "[max_cancel_rate=] [max_daily_loss=] [short=0|1] [listed=0|1] [maker_bps=] [taker_bps=] [stp=newest|oldest|both|decrement|-] "
                + "[reset=loss] [limit=]",
            "risk limits: set, or list", "admin,viewer"),
        Help(
            .deadMan, "[account] [seconds|-] [limit=]", "dead-man timer: everything is cancelled unless renewed in time; or list", "trader,viewer"),
        Help(.mark, "symbol price", "mark price", "connector"),
        Help(.settings, "[key] [value] [limit=]", "service settings: set, or list", "admin,any"),
        Help(
            .subscribe, "[from=LSN[.K]] [account=N] [symbol=S] [kind=K,K] [book=S] [trades=S] [depth=N]",
            "events after a point, then live; or the book or the trades of an instrument", "viewer,any"),
        Help(.unsubscribe, "[book=S] [trades=S]", "end a subscription, or all", "any"),
    ]

    /// The words of the form that are positional arguments, without brackets.
    package var arguments: [String] {
        form.split(separator: " ").map(String.init).filter { word in
            guard let equals = word.firstIndex(of: "=") else { return true }
            return !word[..<equals].drop(while: { $0 == "[" }).allSatisfy { $0.isLowercase || $0.isNumber || $0 == "_" }
        }.map { word in
            var name = word
            if name.hasPrefix("[-]") { name.removeFirst(3) }
            name.removeAll { "[]<>".contains($0) }
            return String(name.split(separator: "|", maxSplits: 1)[0])
        }
    }

    package static func of(_ verb: Verb) -> Help? { table.first { $0.verb == verb } }

    /// How a positional argument is called in refusals.
    package static func argument(_ verb: Verb, _ index: Int) -> String {
        if verb == .accounts && index == 1 { return "action" }
        guard let names = of(verb)?.arguments, index < names.count else { return String(index + 1) }
        return names[index]
    }

    /// The answer to HELP: a row per verb, or the form of one.
    public static func write(_ verb: Verb?, tag: Text, into out: inout OutputBuffer) {
        var rows = 0
        for help in table where verb == nil || help.verb == verb {
            out.append(UInt8(ascii: "="))
            out.append(tag)
            out.append(UInt8(ascii: " "))
            out.append(string: help.verb.name)
            if verb != nil, !help.form.isEmpty { out.append(string: " " + help.form) }
            if verb == nil { out.append(string: " " + help.meaning) }
            out.append(string: " (\(help.roles))\n")
            rows += 1
        }
        AnswerWriter.end(rows: rows, tag: tag, into: &out)
    }
}
