import Core
import Foundation

/// What a venue recorded of its orders, event by event.
enum FlowEvent {
    case add(id: Int64, Side, Price, Quantity)
    /// Price and what is left of it are now so.
    case change(id: Int64, Price, Quantity)
    /// It has so much less left.
    case less(id: Int64, Quantity)
    case remove(id: Int64)
}

/// The files of ../shared/data; its README says what they are. They belong to the venues and are not part of the project.
struct RecordedFlow {
    var events: [FlowEvent]
    var priceScale: Int32
    var quantityScale: Int32

    private static let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../../shared/data")
        .standardizedFileURL
    static var areThere: Bool { FileManager.default.fileExists(atPath: directory.path) }

    /// NASDAQ, AAPL: the first 998 messages of a day.
    static func aapl() throws -> RecordedFlow {
        let file = try String(contentsOf: directory.appendingPathComponent("AAPL_2012-06-21_34200000_57600000_message_10.csv"), encoding: .utf8)
        var events: [FlowEvent] = []
        for line in file.split(whereSeparator: \.isNewline) {
            let fields = line.split(separator: ",")
            let (kind, id, size, price) = (Int(fields[1])!, Int64(fields[2])!, Quantity(fields[3])!, Price(fields[4])!)
            switch kind {
            case 1: events.append(.add(id: id, fields[5] == "1" ? .buy : .sell, price, size))
            case 2, 4: events.append(.less(id: id, size))
            case 3: events.append(.remove(id: id))
            // The execution of an order that nobody saw.
            case 5: continue
            default: throw CocoaError(.fileReadCorruptFile)
            }
        }
        return RecordedFlow(events: events, priceScale: 4, quantityScale: 0)
    }

    /// Bitstamp, BTCUSD: five hours.
    static func bitstamp() throws -> RecordedFlow {
        let tool = Process()
        tool.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        tool.arguments = ["xz", "-dc", directory.appendingPathComponent("bitstamp-btcusd-2015-05-01-orders.csv.xz").path]
        let output = Pipe()
        tool.standardOutput = output
        try tool.run()
        let file = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        tool.waitUntilExit()
        var events: [FlowEvent] = []
        for line in file.split(whereSeparator: \.isNewline).dropFirst() {
            let fields = line.split(separator: ",")
            let (id, price, left) = (Int64(fields[0])!, Price((Double(fields[3])! * 100).rounded()), Quantity(fields[4])!)
            switch fields[5] {
            case "created": events.append(.add(id: id, fields[6] == "bid" ? .buy : .sell, price, left))
            case "changed": events.append(left == 0 ? .remove(id: id) : .change(id: id, price, left))
            case "deleted": events.append(.remove(id: id))
            default: throw CocoaError(.fileReadCorruptFile)
            }
        }
        return RecordedFlow(events: events, priceScale: 2, quantityScale: 8)
    }
}

/// A book as the events alone give it, in dictionaries: who rests where, since when. It trades nothing: an order that would is left out and counted.
struct PlainBook {
    struct Resting { var side: Side; var price: Price; var left: Quantity; var turn: Int }
    struct Level: Equatable { var price: Price; var quantity: Int128; var ids: [Int64] }
    private(set) var orders: [Int64: Resting] = [:]
    private(set) var crossing = 0
    private(set) var unknown = 0
    private var turn = 0

    mutating func apply(_ event: FlowEvent) {
        turn += 1
        switch event {
        case .add(let id, let side, let price, let quantity):
            if crosses(side, price) { crossing += 1 } else { orders[id] = Resting(side: side, price: price, left: quantity, turn: turn) }
        case .change(let id, let price, let left):
            guard let old = orders[id] else { return unknown += 1 }
            // As in MATCHING.md: the turn is kept when the price stays and nothing is added.
            let keeps = price == old.price && left <= old.left
            if !keeps, crosses(old.side, price) { crossing += 1 } else {
                orders[id] = Resting(side: old.side, price: price, left: left, turn: keeps ? old.turn : turn)
            }
        case .less(let id, let quantity):
            guard let left = orders[id]?.left else { return unknown += 1 }
            orders[id]!.left = left - quantity
            if left == quantity { orders[id] = nil }
        case .remove(let id): if orders.removeValue(forKey: id) == nil { unknown += 1 }
        }
    }

    private func crosses(_ side: Side, _ price: Price) -> Bool {
        orders.values.contains { $0.side != side && (side == .buy ? $0.price <= price : $0.price >= price) }
    }

    /// Best first.
    func levels(_ side: Side) -> [Level] {
        let ofSide = orders.filter { $0.value.side == side }
        var levels: [Level] = []
        for (price, orders) in Dictionary(grouping: ofSide, by: { $0.value.price }) {
            var quantity: Int128 = 0
            for order in orders { quantity += Int128(order.value.left) }
            let inTurn = orders.sorted { $0.value.turn < $1.value.turn }
            levels.append(Level(price: price, quantity: quantity, ids: inTurn.map(\.key)))
        }
        return levels.sorted { side == .buy ? $0.price > $1.price : $0.price < $1.price }
    }
}
