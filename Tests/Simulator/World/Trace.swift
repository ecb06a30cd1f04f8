import Core

/// What happened, in readable lines: the last ones for a failure, or all of them. Its hash tells whether two runs were the same.
final class Trace: @unchecked Sendable {
    private struct Event {
        var time: Timestamp
        var who: String
        var what: StaticString
        var name: String
        var a: Int
        var b: Int
    }

    /// Printed as they come.
    let isLoud: Bool
    /// Simulated time, set by the clock.
    var time: Timestamp = 0
    /// Whose turn it is: a loop, the keeper, a client.
    var who = "world"
    private(set) var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    private(set) var count = 0
    private(set) var counts: [String: Int] = [:]
    private var events: [Event] = []
    private static let kept = 60

    init(isLoud: Bool) { self.isLoud = isLoud }

    func note(_ what: StaticString, _ name: String = "", _ a: Int = 0, _ b: Int = 0) {
        let event = Event(time: time, who: who, what: what, name: name, a: a, b: b)
        if isLoud { print(Trace.line(event)) }
        mix(UInt64(bitPattern: time))
        mix(UInt64(bitPattern: Int64(a)) &* 31 &+ UInt64(bitPattern: Int64(b)))
        what.withUTF8Buffer { for byte in $0 { mix(UInt64(byte)) } }
        for byte in name.utf8 { mix(UInt64(byte)) }
        if events.count < Trace.kept { events.append(event) } else { events[count % Trace.kept] = event }
        count += 1
    }

    func count(_ what: StaticString, _ number: Int = 1) { counts[what.description, default: 0] += number }

    private func mix(_ value: UInt64) { hash = (hash ^ value) &* 0x100_0000_01B3 }

    private static func line(_ event: Event) -> String {
        let micros = String(event.time % 1_000_000)
        var line = "\(event.time / 1_000_000).\(String(repeating: "0", count: 6 - micros.count))\(micros) \(event.who): \(event.what)"
        if !event.name.isEmpty { line += " \(event.name)" }
        if event.a != 0 || event.b != 0 { line += " \(event.a)" }
        if event.b != 0 { line += " \(event.b)" }
        return line
    }

    var lastLines: [String] {
        let start = count > Trace.kept ? count % Trace.kept : 0
        return (0..<events.count).map { Trace.line(events[(start + $0) % events.count]) }
    }
}
