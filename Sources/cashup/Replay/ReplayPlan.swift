/// The commands that a feed file amounts to, as a desk would send them. A pure function of the file: every run, also one that
/// resumes, plans the same commands in the same order, so that the service's state is always that of a prefix of them.
package struct ReplayPlan: Sendable {
    package static let symbol = "BTC-USD"
    package static let wallet = "spot"
    package static let accounts: UInt64 = 50
    package static let quantityScale = 8
    package static let priceScale = 2
    /// What each account is given first.
    package static let funding = [("USD", "1000000.00"), ("BTC", "10000.00000000")]

    package enum Kind: Int, Sendable, CaseIterable { case new, replace, fill, cancel }

    /// Why an event became no command.
    package enum Skip: String, Sendable, CaseIterable {
        case unknownOrder = "of an order not created so far"
        case ended = "of an order already ended"
        case createdTwice = "created again"
        case noDecrease = "changed at the same price without a decrease"
        case noVolume = "created or replaced with no volume"
    }

    /// What an order looks like from outside; enough to tell which of its commands have been done.
    package struct OrderState: Sendable, Equatable {
        /// OrderQty and CumQty at `quantityScale`, price at `priceScale`.
        package var quantity: Int64
        package var price: Int64
        package var cumulative: Int64
        package var isOpen: Bool
    }

    package struct Command: Sendable {
        package let kind: Kind
        package let order: Int32
        /// The order's next command, -1 for the last one.
        package var next: Int32 = -1
        /// Where its text is in `text`.
        package let start: Int
        package let end: Int
        /// The order after this command.
        package let after: OrderState
        /// Of its event; Unix milliseconds, 0: not known.
        package let time: Int64
    }

    package struct Order: Sendable {
        package let id: UInt64
        package let first: Int32
        package var account: UInt64 { 1 + id % ReplayPlan.accounts }
    }

    package private(set) var commands: [Command] = []
    package private(set) var orders: [Order] = []
    package private(set) var text: [UInt8] = []
    package private(set) var counts = [Int](repeating: 0, count: Kind.allCases.count)
    package private(set) var skipped: [Skip: Int] = [:]
    package private(set) var events = 0
    /// Orders still open after the last command.
    package private(set) var openOrders: Set<UInt64> = []

    package init(events: [OrderEvent]) {
        self.events = events.count
        var live: [UInt64: Live] = [:]
        for event in events { add(event, &live) }
        openOrders = Set(live.lazy.filter { $0.value.state.isOpen }.map(\.key))
    }

    package func text(of command: Int) -> ArraySlice<UInt8> { text[commands[command].start..<commands[command].end] }

    private struct Live {
        let order: Int32
        let isBid: Bool
        var last: Int32
        var state: OrderState
    }

    private mutating func add(_ event: OrderEvent, _ live: inout [UInt64: Live]) {
        guard var known = live[event.id] else {
            guard event.action == .created else { return skip(.unknownOrder) }
            guard event.volume > 0 else { return skip(.noVolume) }
            let order = Int32(orders.count)
            let state = OrderState(quantity: event.volume, price: event.price, cumulative: 0, isOpen: true)
            orders.append(Order(id: event.id, first: Int32(commands.count)))
            let last = append(.new, order, event, after: state, previous: nil) { bytes in
                bytes += event.isBid ? " B LMT ".utf8 : " S LMT ".utf8
                Self.appendTerms(state, to: &bytes)
                bytes += " GTC id=\(event.id)".utf8
            }
            live[event.id] = Live(order: order, isBid: event.isBid, last: last, state: state)
            return
        }
        guard event.action != .created else { return skip(.createdTwice) }
        guard known.state.isOpen else { return skip(.ended) }
        let leaves = known.state.quantity - known.state.cumulative
        switch event.action {
        case .created: return
        case .changed where event.price == known.state.price:
            guard event.volume < leaves else { return skip(.noDecrease) }
            fill(leaves - event.volume, event, &known)
        case .changed:
            guard event.volume > 0 else { return skip(.noVolume) }
            known.state.quantity = known.state.cumulative + event.volume
            known.state.price = event.price
            let state = known.state
            known.last = append(.replace, known.order, event, after: state, previous: known.last) { bytes in
                bytes += " id=\(event.id) ".utf8
                Self.appendTerms(state, to: &bytes)
            }
        case .deleted where event.volume == 0: fill(leaves, event, &known)
        case .deleted:
            known.state.isOpen = false
            known.last = append(.cancel, known.order, event, after: known.state, previous: known.last) { bytes in
                bytes += " id=\(event.id)".utf8
            }
        }
        live[event.id] = known
    }

    /// `exec=` names order and line, so a repeat has the same content and no two fills of an order share one.
    private mutating func fill(_ quantity: Int64, _ event: OrderEvent, _ known: inout Live) {
        known.state.cumulative += quantity
        known.state.isOpen = known.state.cumulative < known.state.quantity
        let price = known.state.price
        known.last = append(.fill, known.order, event, after: known.state, previous: known.last) { bytes in
            bytes += " id=\(event.id) ".utf8
            Decimals.append(quantity, scale: Self.quantityScale, to: &bytes)
            bytes.append(UInt8(ascii: " "))
            Decimals.append(price, scale: Self.priceScale, to: &bytes)
            bytes += " fee=0 exec=\(event.id)-\(event.line)".utf8
        }
    }

    private static func appendTerms(_ state: OrderState, to bytes: inout [UInt8]) {
        Decimals.append(state.quantity, scale: quantityScale, to: &bytes)
        bytes.append(UInt8(ascii: " "))
        Decimals.append(state.price, scale: priceScale, to: &bytes)
    }

    /// Appends a command, "VERB account symbol" and then what `rest` writes, and links it to the order's previous one. Returns its index.
    private mutating func append(
        _ kind: Kind, _ order: Int32, _ event: OrderEvent, after: OrderState, previous: Int32?, rest: (inout [UInt8]) -> Void
    ) -> Int32 {
        let index = Int32(commands.count)
        let start = text.count
        let verb =
            switch kind {
            case .new: "NEW"
            case .replace: "RPL"
            case .fill: "FIL"
            case .cancel: "CXL"
            }
        text += "\(verb) \(orders[Int(order)].account) \(Self.symbol)".utf8
        rest(&text)
        commands.append(Command(kind: kind, order: order, start: start, end: text.count, after: after, time: event.time))
        if let previous { commands[Int(previous)].next = index }
        counts[kind.rawValue] += 1
        return index
    }

    private mutating func skip(_ reason: Skip) { skipped[reason, default: 0] += 1 }
}
