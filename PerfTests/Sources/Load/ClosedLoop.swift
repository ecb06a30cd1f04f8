import CLoad

/// Each connection has `window` requests in flight and sends the next when an answer arrives: shows what can be had, not what a user
/// with a schedule of his own would feel (see ``OpenLoop``).
public struct ClosedLoop: Sendable {
    public var connections: Int
    public var window: Int
    /// Not measured, at the start.
    public var warmupSeconds: Double
    /// The run ends earlier when the workload has no more.
    public var seconds: Double
    public var seriesInterval: Double

    public init(connections: Int, window: Int, warmupSeconds: Double = 0.2, seconds: Double, seriesInterval: Double = 0.1) {
        self.connections = connections
        self.window = window
        self.warmupSeconds = warmupSeconds
        self.seconds = seconds
        self.seriesInterval = seriesInterval
    }

    /// Runs on the calling thread until all that was sent is answered.
    public func run<W: Wire, K: Workload>(_: W.Type = LineWire.self, port: Int, workload: inout K) throws -> LoadResult {
        let links = try Links<W>.connect(connections, port: port, window: window)
        var result = LoadResult()
        var refusals: [String: Int] = [:]
        let cpu = cload_thread_cpu()
        let start = cload_monotonic()
        let measureFrom = start + Int64(warmupSeconds * 1e9)
        let end = measureFrom + Int64(seconds * 1e9)
        var series = Series(
            start: measureFrom, intervalNanoseconds: Int64(seriesInterval * 1e9), reserving: Int(seconds / seriesInterval) + 2)
        var sending = true
        var inFlight = 0
        var lastAnswer = measureFrom

        @inline(__always)
        func fill(_ index: Int, _ now: Int64) throws {
            var count = 0
            let free = window - links.links[index].sent.inFlight
            while count < free, links.links[index].output.makeRoom(),
                workload.next(connection: index, into: &links.links[index].output)
            {
                count += 1
            }
            if count > 0 {
                links.links[index].sent.push(due: now, sent: now, count: count)
                inFlight += count
                result.sentInAll += count
            }
            try links.flush(index)
        }

        for index in 0..<connections { try fill(index, cload_monotonic()) }
        while inFlight > 0 {
            var ready = 1
            if connections == 1, !links.links[0].awaitsRoom {
                links.ready[0] = 0
            } else {
                ready = try links.wait(nanoseconds: Int64(Socket.silenceSecondsMax) * 1_000_000_000)
                if ready == 0 { throw LoadError("no answer for \(Socket.silenceSecondsMax) s, \(inFlight) requests unanswered") }
            }
            for position in 0..<ready {
                let index = Int(links.ready[position])
                if links.links[index].awaitsRoom { try links.flush(index) }
                guard try links.links[index].receive(wait: connections == 1 && !links.links[index].awaitsRoom) > 0 else { continue }
                var answers = links.links[index].answers { refusals[$0, default: 0] += 1 }
                let now = cload_monotonic()
                if now >= end { sending = false }
                inFlight -= answers
                result.answeredInAll += answers
                if now >= measureFrom, now < end {
                    result.answered += answers
                    lastAnswer = now
                }
                while answers > 0 {
                    let entry = try links.links[index].sent.pop(limit: answers)
                    answers -= entry.count
                    guard now >= measureFrom, now < end else { continue }
                    result.latencies.record(now - entry.sent, count: UInt64(entry.count))
                    series.record(now - entry.sent, count: UInt64(entry.count), at: now)
                }
                if sending { try fill(index, now) }
            }
        }
        // A workload that ended early is measured up to its last answer.
        result.seconds = Double(sending ? lastAnswer - measureFrom : end - measureFrom) / 1e9
        series.roll(to: sending ? lastAnswer : end)
        result.series = series.intervals
        result.refusals = refusals
        result.clientNanosecondsPerAnswer = Double(cload_thread_cpu() - cpu) / Double(max(1, result.answeredInAll))
        return result
    }
}
