import Foundation

/// One line of an order-by-order feed file.
package struct OrderEvent: Sendable, Equatable {
    package enum Action: Sendable { case created, changed, deleted }
    /// The venue's order id.
    let id: UInt64
    /// In 0.01 of the quote asset.
    let price: Int64
    /// What is left of the order after the event, in 1e-8 of the base asset.
    let volume: Int64
    let action: Action
    let isBid: Bool
    /// Line number in the file, the header being line 1.
    let line: Int
    /// Unix milliseconds; 0 where the file does not say.
    let time: Int64

    package init(id: UInt64, price: Int64, volume: Int64, action: Action, isBid: Bool, line: Int, time: Int64 = 0) {
        self.id = id
        self.price = price
        self.volume = volume
        self.action = action
        self.isBid = isBid
        self.line = line
        self.time = time
    }
}

/// Reads `id,timestamp,exchange.timestamp,price,volume,action,direction` files, plain or compressed by xz.
package enum OrderFile {
    static let columns = ["id", "price", "volume", "action", "direction"]
    /// May be missing.
    static let timeColumn = "timestamp"

    package static func read(path: String) throws -> [OrderEvent] {
        guard let file = FileManager.default.contents(atPath: path) else { throw Failure("cannot read \(path)") }
        let xzMagic: [UInt8] = [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00]
        return try parse(file.starts(with: xzMagic) ? decompress(path: path) : file)
    }

    /// Any line that is not of the form is an error with its number: nothing is sent of a file that is only half understood.
    package static func parse(_ data: Data) throws -> [OrderEvent] {
        var events: [OrderEvent] = []
        var order: [Int] = []
        var timeAt: Int?
        var number = 0
        for line in data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            number += 1
            if line.isEmpty { continue }
            let text = String(decoding: line.last == UInt8(ascii: "\r") ? line.dropLast() : line, as: UTF8.self)
            let fields = text.split(separator: ",", omittingEmptySubsequences: false)
            if number == 1 {
                order = try columns.map { name in
                    guard let at = fields.firstIndex(of: Substring(name)) else { throw Failure("line 1: no column \(name)") }
                    return at
                }
                timeAt = fields.firstIndex(of: Substring(timeColumn))
                continue
            }
            guard fields.count > max(order.max()!, timeAt ?? 0) else { throw Failure("line \(number): \(fields.count) fields") }
            guard let id = UInt64(fields[order[0]]) else { throw Failure("line \(number): id \(fields[order[0]])") }
            guard let price = Decimals.parse(fields[order[1]], scale: 2) else {
                throw Failure("line \(number): price \(fields[order[1]])")
            }
            guard let volume = Decimals.parse(fields[order[2]], scale: 0) else {
                throw Failure("line \(number): volume \(fields[order[2]])")
            }
            let action: OrderEvent.Action
            switch fields[order[3]] {
            case "created": action = .created
            case "changed": action = .changed
            case "deleted": action = .deleted
            default: throw Failure("line \(number): action \(fields[order[3]])")
            }
            let direction = fields[order[4]]
            guard direction == "bid" || direction == "ask" else { throw Failure("line \(number): direction \(direction)") }
            var time: Int64 = 0
            if let timeAt {
                guard let value = Int64(fields[timeAt]) else { throw Failure("line \(number): timestamp \(fields[timeAt])") }
                time = value
            }
            events.append(
                OrderEvent(id: id, price: price, volume: volume, action: action, isBid: direction == "bid", line: number, time: time))
        }
        if number == 0 || order.isEmpty { throw Failure("the file is empty") }
        return events
    }

    private static func decompress(path: String) throws -> Data {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["xz", "-dc", "--", path]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        switch process.terminationStatus {
        case 0: return data
        case 127: throw Failure("\(path) is compressed and the xz tool is not installed; apt-get install xz-utils, or give the plain .csv")
        default: throw Failure("xz could not decompress \(path)")
        }
    }
}

/// Decimal text to and from integers at a fixed scale.
package enum Decimals {
    /// nil unless `text` is digits, optionally `.` and digits, exact at `scale` decimals and within Int64.
    package static func parse(_ text: some StringProtocol, scale: Int) -> Int64? {
        var value: Int64 = 0
        var decimals = -1
        var hasDigit = false
        for byte in text.utf8 {
            if byte == UInt8(ascii: ".") {
                guard decimals < 0, hasDigit else { return nil }
                decimals = 0
                continue
            }
            guard case let digit = byte &- UInt8(ascii: "0"), digit < 10 else { return nil }
            hasDigit = true
            if decimals >= 0 {
                decimals += 1
                if decimals > scale {
                    if digit != 0 { return nil }
                    continue
                }
            }
            guard append(Int64(digit), to: &value) else { return nil }
        }
        guard hasDigit, decimals != 0 else { return nil }
        for _ in 0..<max(0, scale - max(0, decimals)) {
            guard append(0, to: &value) else { return nil }
        }
        return value
    }

    private static func append(_ digit: Int64, to value: inout Int64) -> Bool {
        let (tenfold, over) = value.multipliedReportingOverflow(by: 10)
        let (sum, over2) = tenfold.addingReportingOverflow(digit)
        value = sum
        return !over && !over2
    }

    /// Appends non-negative `value` with exactly `scale` decimals.
    package static func append(_ value: Int64, scale: Int, to bytes: inout [UInt8]) {
        let digits = Array(String(value).utf8)
        let padded = digits.count > scale ? digits : Array(repeating: UInt8(ascii: "0"), count: scale + 1 - digits.count) + digits
        bytes += padded.dropLast(scale)
        if scale > 0 {
            bytes.append(UInt8(ascii: "."))
            bytes += padded.suffix(scale)
        }
    }
}

/// A message for the person at the terminal; ends the command with exit code 1.
package struct Failure: Error, CustomStringConvertible {
    package let description: String
    init(_ description: String) { self.description = description }
}
