import CLoad

/// Requests are due on a schedule, whatever the answers do, and their latency counts from the moment they were due: an answer that is late makes
/// those behind it late as well and is not left out (no coordinated omission).
///
/// A connection has at most `window` requests in flight. What is due beyond that waits in the client, with the moment it was due, up to `waitingMax`
/// requests in all; what is due beyond that is turned away and counted. `waitingMax` 0 turns away at once: what is then measured is the latency of
/// what the service took in, under more load than it can serve.
public struct OpenLoop: Sendable {
    public var connections: Int
    public var window: Int
    public var waitingMax: Int
    /// Arrivals due in this time, from the start, are not measured.
    public var warmupSeconds: Double
    public var seriesInterval: Double
    /// What is due within so many nanoseconds is sent together, counted from when it was due. At some 100,000 arrivals a second a system call for each
    /// of them would make the client, on the service's own machine, what is measured.
    public var sendIntervalNanoseconds: Int64 = 0

    public init(connections: Int, window: Int = 4_096, waitingMax: Int, warmupSeconds: Double = 0.2, seriesInterval: Double = 0.1) {
        self.connections = connections
        self.window = window
        self.waitingMax = waitingMax
        self.warmupSeconds = warmupSeconds
        self.seriesInterval = seriesInterval
    }

    /// Runs on the calling thread until the schedule has ended and all that was sent is answered.
    public func run<W: Wire, K: Workload, S: Schedule>(
        _: W.Type = LineWire.self, port: Int, workload: inout K, schedule: S
    ) throws -> LoadResult {
        cload_exact_timers()
        let links = try Links<W>.connect(connections, port: port, window: window)
        var schedule = schedule
        var waiting = WaitingQueues(connections: connections, capacity: waitingMax)
        var result = LoadResult()
        var refusals: [String: Int] = [:]
        let cpu = cload_thread_cpu()
        let start = cload_monotonic()
        let measureFrom = start + Int64(warmupSeconds * 1e9)
        var series = Series(start: start, intervalNanoseconds: Int64(seriesInterval * 1e9), reserving: 4_096)
        var arrivals = 0
        var inFlight = 0
        var lastProgress = start
        var lastAnswer = measureFrom
        var nextSend = start
        var due = schedule.next().map { $0 + start }

        @inline(__always)
        func send(_ index: Int, due: Int64, now: Int64) {
            guard !links.links[index].isExhausted else { return }
            guard workload.next(connection: index, into: &links.links[index].output) else {
                links.links[index].isExhausted = true
                return
            }
            links.links[index].sent.push(due: due, sent: now, count: 1)
            inFlight += 1
            result.sentInAll += 1
            if due >= measureFrom { result.sendDelay.record(now - due) }
        }

        @inline(__always)
        func hasRoom(_ index: Int) -> Bool {
            links.links[index].sent.inFlight < window && links.links[index].output.makeRoom()
        }

        while due != nil || inFlight > 0 || waiting.count > 0 {
            var now = cload_monotonic()
            let maySend = now >= nextSend
            if maySend { nextSend = now + sendIntervalNanoseconds }
            while maySend, let next = due, next <= now {
                let index = workload.connection(ofArrival: arrivals, connections: connections)
                arrivals += 1
                if waiting.isEmpty(index), hasRoom(index) {
                    send(index, due: next, now: now)
                } else if !waiting.push(index, due: next) {
                    result.turnedAway += 1
                }
                due = schedule.next().map { $0 + start }
                // Many at once: the first are not kept waiting for the last to be written.
                if arrivals & 63 == 0 {
                    for index in 0..<connections where !links.links[index].output.isEmpty { try links.flush(index) }
                    now = cload_monotonic()
                }
            }
            for index in 0..<connections where !links.links[index].output.isEmpty && !links.links[index].awaitsRoom {
                try links.flush(index)
            }
            let untilDue = due.map { max(max($0, nextSend) - cload_monotonic(), 0) } ?? 1_000_000_000
            let ready = try links.wait(nanoseconds: min(untilDue, 1_000_000_000))
            if ready == 0, inFlight > 0, cload_monotonic() - lastProgress > Int64(Socket.silenceSecondsMax) * 1_000_000_000 {
                throw LoadError("no answer for \(Socket.silenceSecondsMax) s, \(inFlight) requests unanswered")
            }
            for position in 0..<ready {
                let index = Int(links.ready[position])
                if links.links[index].awaitsRoom { try links.flush(index) }
                guard try links.links[index].receive(wait: false) > 0 else { continue }
                var answers = links.links[index].answers { refusals[$0, default: 0] += 1 }
                let now = cload_monotonic()
                lastProgress = now
                inFlight -= answers
                result.answeredInAll += answers
                while answers > 0 {
                    let entry = try links.links[index].sent.pop(limit: answers)
                    answers -= entry.count
                    series.record(now - entry.due, count: UInt64(entry.count), at: now)
                    guard entry.due >= measureFrom else { continue }
                    lastAnswer = now
                    result.answered += entry.count
                    result.latencies.record(now - entry.due, count: UInt64(entry.count))
                    result.fromSend.record(now - entry.sent, count: UInt64(entry.count))
                }
                while !waiting.isEmpty(index), hasRoom(index) { send(index, due: waiting.pop(index), now: now) }
                if !links.links[index].output.isEmpty, !links.links[index].awaitsRoom { try links.flush(index) }
            }
        }
        result.seconds = Double(lastAnswer - measureFrom) / 1e9
        series.roll(to: lastAnswer)
        result.series = series.intervals
        result.refusals = refusals
        result.waitingMax = waiting.countMax
        result.clientNanosecondsPerAnswer = Double(cload_thread_cpu() - cpu) / Double(max(1, result.answeredInAll))
        return result
    }
}

/// What is due and cannot be sent yet, by connection: lists in one block of memory, which is also their bound.
struct WaitingQueues: ~Copyable {
    private struct Entry {
        var due: Int64
        var next: Int32
    }
    private let entries: UnsafeMutablePointer<Entry>
    private let heads: UnsafeMutablePointer<Int32>
    private let tails: UnsafeMutablePointer<Int32>
    private let capacity: Int
    private var used = 0
    private var free: Int32 = -1
    private(set) var count = 0
    private(set) var countMax = 0

    init(connections: Int, capacity: Int) {
        self.capacity = capacity
        entries = .allocate(capacity: max(1, capacity))
        heads = .allocate(capacity: connections)
        tails = .allocate(capacity: connections)
        heads.initialize(repeating: -1, count: connections)
        tails.initialize(repeating: -1, count: connections)
    }
    deinit {
        entries.deallocate()
        heads.deallocate()
        tails.deallocate()
    }

    @inline(__always)
    func isEmpty(_ connection: Int) -> Bool { heads[connection] < 0 }

    /// False if all room is taken.
    mutating func push(_ connection: Int, due: Int64) -> Bool {
        var slot = free
        if slot >= 0 {
            free = entries[Int(slot)].next
        } else {
            guard used < capacity else { return false }
            slot = Int32(used)
            used += 1
        }
        entries[Int(slot)] = Entry(due: due, next: -1)
        if heads[connection] < 0 { heads[connection] = slot } else { entries[Int(tails[connection])].next = slot }
        tails[connection] = slot
        count += 1
        countMax = max(countMax, count)
        return true
    }

    mutating func pop(_ connection: Int) -> Int64 {
        let slot = heads[connection]
        let entry = entries[Int(slot)]
        heads[connection] = entry.next
        entries[Int(slot)].next = free
        free = slot
        count -= 1
        return entry.due
    }
}
