import Core

/// How the service tells what is so: answers, rows and events as text, with as few decimals as show a number (``Decimals/normal(_:)``). All of it is of
/// one point of the log.
struct Telling {
    let model: Model
    let wallet: WalletState
    /// Of the record, for events.
    var time: Timestamp = 0
    var at: UInt64 = .max

    private var number: Int64 { wallet.registryNumber.at(at) }
    func info(_ id: InstrumentID) -> InstrumentInfo { model.names.info(id, at: number) }
    func assetName(_ id: AssetID) -> String { model.names.assets[Int(id)].name.plain }
    func amount(_ value: Amount) -> String { Decimals.print(value, scale: 18) }
    private func price(_ value: Price, _ info: InstrumentInfo) -> String { Decimals.print(Int128(value), scale: Int(info.priceScale)) }
    private func quantity(_ value: Int128, _ info: InstrumentInfo) -> String { Decimals.print(value, scale: Int(info.quantityScale)) }
    private func quantity(_ value: Quantity, _ info: InstrumentInfo) -> String { quantity(Int128(value), info) }
    func end(_ text: String) -> String { text + " time=\(time / 1_000)" }

    // MARK: Orders

    private func progressFacts(_ order: OrderState, _ info: InstrumentInfo) -> String {
        var text = " leaves=\(quantity(order.leaves, info)) cum=\(quantity(order.cumulative, info))"
        if order.cumulative != 0 { text += " avg=\(price(Price(Decimals.rounded(order.paid, by: Int128(order.cumulative))), info))" }
        return text
    }

    /// The answer to NEW, RPL, CXL, CLS and FIL.
    func progress(_ id: OrderID, trade: TradeID = 0) -> String {
        guard let order = wallet.order(id, at) else { return "?" }
        return "\(id) \(order.status.word)" + (trade == 0 ? "" : " trade=\(trade)") + progressFacts(order, info(order.instrument))
            + (order.status == .canceled && order.reason.isRule ? " reason=\(order.reason.word)" : "")
    }

    private func identity(_ order: OrderState, _ info: InstrumentInfo) -> String {
        " id=\(order.clientID.plain) side=\(order.side.word) type=\(order.type.word) tif=\(order.timeInForce.word) qty=\(quantity(order.quantity, info))"
            + " price=\(order.type == .market ? "-" : price(order.price, info))"
    }

    func order(_ id: OrderID, _ exec: String) -> Event {
        guard let order = wallet.order(id, at) else { return Event(kind: "ORDER", account: 0, instrument: -1, text: "?") }
        let info = info(order.instrument)
        var text = "ORDER account=\(order.account) symbol=\(info.symbol.plain) order=\(id)" + identity(order, info)
            + " status=\(order.status.word)" + progressFacts(order, info) + " exec=\(exec)"
        if order.status == .canceled { text += " reason=\(reason(order))" }
        if !order.strategy.isEmpty { text += " strategy=\(order.strategy.plain)" }
        if order.expire != 0 { text += " expire=\(order.expire / 1_000)" }
        text += instructions(order)
        return Event(kind: "ORDER", account: order.account, instrument: order.instrument, text: end(text))
    }

    private func reason(_ order: OrderState) -> String { order.reasonText.isEmpty ? order.reason.word : order.reasonText.plain }

    /// A row of ORD.
    func row(_ order: OrderState) -> String {
        let info = info(order.instrument)
        var text = "\(order.id) symbol=\(info.symbol.plain)" + identity(order, info) + " status=\(order.status.word)" + progressFacts(order, info)
            + " reserved=\(amount(model.reserve(order, wallet, at)?.amount ?? 0)) created=\(order.created / 1_000) updated=\(order.updated / 1_000)"
        if !order.strategy.isEmpty { text += " strategy=\(order.strategy.plain)" }
        if order.expire != 0 { text += " expire=\(order.expire / 1_000)" }
        if order.max != 0 { text += " max=\(amount(order.max))" }
        if !order.note.isEmpty { text += " note=\(order.note.plain)" }
        if order.status == .canceled { text += " reason=\(reason(order))" }
        if order.session != 0 { text += " cod=1" }
        return text + instructions(order)
    }

    // MARK: Fills

    private func execution(_ trade: TradeState) -> String {
        " fee=\(amount(trade.fee)) feeasset=\(assetName(trade.feeAsset))" + (trade.liquidity == .unknown ? "" : " liq=\(trade.liquidity.word)")
    }

    func fill(_ filled: Filled) -> [Event] {
        guard let order = wallet.order(filled.order, at), let trade = wallet.trades[filled.trade] else { return [] }
        let info = info(order.instrument)
        var text = "TRADE account=\(order.account) symbol=\(info.symbol.plain) order=\(order.id) id=\(order.clientID.plain) side=\(order.side.word)"
            + " status=\(order.status.word) last=\(quantity(filled.quantity, info)) px=\(price(filled.price, info))" + progressFacts(order, info)
            + execution(trade) + " trade=\(filled.trade)" + (filled.exec.isEmpty ? "" : " exec=\(filled.exec.plain)")
        if filled.venueTime != 0 { text += " venuetime=\(filled.venueTime / 1_000)" }
        let position = "POSITION account=\(order.account) symbol=\(info.symbol.plain)" + position(order.account, order.instrument)
        return [
            Event(kind: "TRADE", account: order.account, instrument: order.instrument, text: end(text)),
            Event(kind: "POSITION", account: order.account, instrument: order.instrument, text: end(position)),
        ]
    }

    /// A row of TRD.
    func row(_ trade: TradeState, _ order: OrderState) -> String {
        let info = info(order.instrument)
        return "\(trade.id) symbol=\(info.symbol.plain) order=\(order.id) id=\(order.clientID.plain) side=\(order.side.word)"
            + " qty=\(quantity(trade.quantity, info)) price=\(price(trade.price, info))" + execution(trade)
            + (trade.exec.isEmpty ? "" : " exec=\(trade.exec.plain)") + " time=\(trade.time / 1_000)" + (trade.venueTime == 0 ? "" : " venuetime=\(trade.venueTime / 1_000)")
    }

    // MARK: Positions

    func position(_ account: AccountNumber, _ instrument: InstrumentID) -> String {
        let state = wallet.position(account, instrument, at)
        let info = info(instrument)
        var text = " qty=\(quantity(state.quantity, info))"
        if state.quantity != 0 {
            let unit = powerOfTen(18 - Int(info.priceScale) - Int(info.quantityScale))
            let average = Decimals.rounded(state.cost, by: unit * Int128(state.quantity.magnitude))
            text += " avg=\(price(Price(truncatingIfNeeded: average), info))"
        }
        return text + " cost=\(amount(state.cost)) realized=\(amount(state.realized))"
    }

    func takeOver(_ takeOver: TakeOver) -> Event {
        var text = "POSITION account=\(takeOver.account) symbol=\(info(takeOver.instrument).symbol.plain)" + position(takeOver.account, takeOver.instrument)
        text += " ref=\(takeOver.reference.plain)"
        if !takeOver.note.isEmpty { text += " note=\(takeOver.note.plain)" }
        return Event(kind: "POSITION", account: takeOver.account, instrument: takeOver.instrument, text: end(text))
    }

    /// A row of POS.
    func positionRow(_ account: AccountNumber, _ instrument: InstrumentID) -> String {
        let state = wallet.position(account, instrument, at)
        let info = info(instrument)
        var text = info.symbol.plain + position(account, instrument)
        if state.openBuy != 0 { text += " openbuy=\(quantity(state.openBuy, info))" }
        if state.openSell != 0 { text += " opensell=\(quantity(state.openSell, info))" }
        let mark = wallet.mark(instrument, at)
        if mark != 0 {
            if let magnitude = Int64(exactly: state.quantity.magnitude), let worth = model.worth(instrument, mark, magnitude) {
                text += " unrealized=\(amount(state.quantity >= 0 ? worth - state.cost : state.cost - worth))"
            }
            text += " mark=\(price(mark, info))"
        }
        let fees = state.fees.sorted { $0.key < $1.key }.map { "\(assetName($0.key)):\(amount($0.value))" }
        return fees.isEmpty ? text : text + " fees=" + fees.joined(separator: ",")
    }

    // MARK: Money

    func available(_ account: AccountNumber, _ asset: AssetID) -> String { "OK available=\(amount(wallet.balance(account, asset, at).available))" }

    /// A row of BAL.
    func balanceRow(_ account: AccountNumber, _ asset: AssetID) -> String {
        let it = wallet.balance(account, asset, at)
        return "\(assetName(asset)) \(model.names.wallets[Int(wallet.number)].name.plain) total=\(amount(it.total)) available=\(amount(it.available))"
            + " reserved=\(amount(it.reserved)) held=\(amount(it.held)) transit=\(amount(it.transit))"
    }

    private func balance(
        _ account: AccountNumber, _ asset: AssetID, _ kind: String, _ moved: Amount, _ reference: Text, _ rest: String = ""
    ) -> Event {
        let it = wallet.balance(account, asset, at)
        var text = "BALANCE account=\(account) wallet=\(model.names.wallets[Int(wallet.number)].name.plain) asset=\(assetName(asset)) kind=\(kind)"
            + " amount=\(amount(moved)) available=\(amount(it.available)) held=\(amount(it.held)) transit=\(amount(it.transit))"
        if !reference.isEmpty { text += " ref=\(reference.plain)" }
        return Event(kind: "BALANCE", account: account, instrument: -1, text: end(text + rest))
    }

    func money(_ money: Money) -> Event {
        let isNote = money.kind == .deposit || money.kind == .withdraw
        let note = money.note.isEmpty ? "" : (isNote ? " note=" : " reason=") + money.note.plain
        return balance(money.account, money.asset, money.kind.word, money.amount, money.reference, note)
    }

    private func peer(_ account: AccountNumber, _ wallet: WalletID) -> String {
        " peer=\(account) peer_wallet=\(model.names.wallets[Int(wallet)].name.plain)"
    }

    func sent(_ transfer: Transfer) -> Event {
        let note = transfer.note.isEmpty ? "" : " note=\(transfer.note.plain)"
        return balance(
            transfer.account, transfer.asset, "XFR_OUT", transfer.amount, transfer.reference, note + peer(transfer.toAccount, transfer.toWallet))
    }

    func received(_ transfer: TransferReceived) -> Event {
        balance(
            transfer.account, transfer.asset, "XFR_IN", transfer.amount, transfer.reference, peer(transfer.fromAccount, transfer.source))
    }

    func within(_ transfer: Transfer) -> [Event] {
        [
            sent(transfer),
            balance(
                transfer.toAccount, transfer.asset, "XFR_IN", transfer.amount, transfer.reference, peer(transfer.account, wallet.number)),
        ]
    }

    func settled(_ transfers: [Transfer], _ target: WalletID) -> [Event] {
        transfers.map { balance($0.account, $0.asset, "XFR_DONE", $0.amount, $0.reference, peer($0.toAccount, target)) }
    }

    // MARK: Set-up

    func mark(_ instrument: InstrumentID, _ mark: Price) -> Event {
        let info = info(instrument)
        return Event(kind: "MARK", account: 0, instrument: instrument, text: end("MARK symbol=\(info.symbol.plain) price=\(price(mark, info))"))
    }

    func registry(_ definition: Definition) -> Event {
        let number = number
        var event = Event(kind: "REGISTRY", account: 0, instrument: -1, text: "")
        switch definition {
        case .asset(let info): event.text = "AST \(info.name.plain) decimals=\(info.decimals)"
        case .wallet(let info): event.text = "WLT \(info.name.plain)"
        case .venue(let info): event.text = "VEN \(info.name.plain) kind=\(info.kind)"
        case .instrument(let info):
            event.instrument = model.names.instrument(info.symbol.plain, at: number) ?? -1
            event.text = "INS " + instrumentText(event.instrument)
        case .changeInstrument(let id, _):
            event.instrument = id
            event.text = "INS " + instrumentText(id)
        case .account(let account, let status):
            event.account = account
            event.text = "ACC \(account) status=\(status.word)"
        case .setting(let setting, let value): event.text = "SET \(setting.name) value=\(value)"
        }
        event.text = end("REGISTRY " + event.text)
        return event
    }

    func instrumentText(_ id: InstrumentID) -> String {
        let info = info(id)
        let names = model.names
        return "\(info.symbol.plain) venue=\(names.venues[Int(info.venue)].name.plain) wallet=\(names.wallets[Int(info.wallet)].name.plain)"
            + " base=\(assetName(info.base)) quote=\(assetName(info.quote)) tick=\(price(info.terms.tick, info)) lot=\(quantity(info.terms.lot, info))"
            + " price_scale=\(info.priceScale) qty_scale=\(info.quantityScale) min_qty=\(quantity(info.terms.minQuantity, info))"
            + " max_qty=\(quantity(info.terms.maxQuantity, info)) min_notional=\(amount(info.terms.minNotional))"
            + " funds=\(info.funds == .full ? "full" : "none") state=\(info.terms.state.word)" + fees(id, info)
    }

    private func fees(_ id: InstrumentID, _ info: InstrumentInfo) -> String {
        guard model.names.isInternal(id) else { return "" }
        let print = { (rate: Int32) in Decimals.print(Int128(rate), scale: 2) }
        return " maker_bps=\(print(info.terms.fees.maker)) taker_bps=\(print(info.terms.fees.taker))"
    }

    // MARK: Refusals

    func price(_ value: Price, of id: InstrumentID) -> String { price(value, info(id)) }
    func quantity(_ value: Quantity, of id: InstrumentID) -> String { quantity(value, info(id)) }
    func quantity(wide value: Int128, of id: InstrumentID) -> String { quantity(value, info(id)) }
    func funds(_ code: String, _ asset: AssetID, need: Amount, _ what: String, _ there: Amount) -> String {
        "\(code) asset=\(assetName(asset)) wallet=\(model.names.wallets[Int(wallet.number)].name.plain) need=\(amount(need)) \(what)=\(amount(there))"
    }
    func notionalTooSmall(_ id: InstrumentID, _ notional: Amount) -> String {
        "NOTIONAL_TOO_SMALL min=\(amount(info(id).terms.minNotional)) notional=\(amount(notional))"
    }
}

// The words of the protocol, once more.

extension OrderStatus {
    var word: String {
        switch self {
        case .new: "NEW"
        case .partiallyFilled: "PARTIALLY_FILLED"
        case .filled: "FILLED"
        case .canceled: "CANCELED"
        case .expired: "EXPIRED"
        }
    }
}
extension Side { var word: String { self == .buy ? "B" : "S" } }
extension OrderType { var word: String { self == .limit ? "LMT" : "MKT" } }
extension TimeInForce {
    var word: String {
        switch self {
        case .gtc: "GTC"
        case .ioc: "IOC"
        case .fok: "FOK"
        case .gtd: "GTD"
        }
    }
}
extension CancelReason {
    /// Nobody asked for it: answers say it.
    var isRule: Bool {
        switch self {
        case .requested, .all, .suspended, .disconnect: false
        case .unfilled, .funds, .selfTrade, .reduceOnly, .oco, .deadMan, .overflow: true
        }
    }
    var word: String {
        switch self {
        case .requested: "requested"
        case .all: "all"
        case .suspended: "suspended"
        case .disconnect: "disconnect"
        case .unfilled: "unfilled"
        case .funds: "funds"
        case .selfTrade: "self_trade"
        case .reduceOnly: "reduce_only"
        case .oco: "oco"
        case .deadMan: "dead_man"
        case .overflow: "overflow"
        }
    }
}
extension Liquidity { var word: String { self == .maker ? "M" : "T" } }
extension AccountStatus { var word: String { self == .open ? "open" : "suspended" } }
extension Money.Kind {
    var word: String {
        switch self {
        case .deposit: "DEP"
        case .withdraw: "WDR"
        case .adjust: "ADJ"
        case .hold: "HLD"
        case .release: "RLS"
        }
    }
}
