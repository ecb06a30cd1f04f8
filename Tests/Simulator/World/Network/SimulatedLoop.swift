import Dispatch
import NIOCore

/// An event loop that does one task when it is told to. What NIO's own does by a thread and epoll, the world does by choice.
final class SimulatedLoop: EventLoop, @unchecked Sendable {
    private struct Timer {
        var deadline: NIODeadline
        var id: UInt64
        var run: () -> Void
    }

    let index: Int
    private let clock: SimulatedClock
    private var tasks = CircularBuffer<() -> Void>()
    /// By deadline, those of one deadline in the order in which they were set.
    private var timers: [Timer] = []
    private var lastTimer: UInt64 = 0
    private(set) var isClosed = false
    /// Whose thread this is now.
    nonisolated(unsafe) private static var current: SimulatedLoop?

    init(index: Int, clock: SimulatedClock) {
        self.index = index
        self.clock = clock
    }

    // MARK: The world's side

    var hasDueTask: Bool { !tasks.isEmpty || (timers.first.map { $0.deadline <= clock.deadline } ?? false) }
    var isIdle: Bool { tasks.isEmpty }
    var nextTimer: NIODeadline? { timers.first?.deadline }

    /// Runs what was waiting first: a task, or a timer that is due. False when there is none.
    func runOne() -> Bool {
        if let task = tasks.popFirst() {
            perform(task)
            return true
        }
        guard let timer = timers.first, timer.deadline <= clock.deadline else { return false }
        timers.removeFirst()
        perform(timer.run)
        return true
    }

    /// On the loop's thread.
    func perform(_ body: () -> Void) {
        let before = SimulatedLoop.current
        SimulatedLoop.current = self
        defer { SimulatedLoop.current = before }
        body()
    }

    /// Nothing runs on it any more.
    func close() {
        isClosed = true
        tasks.removeAll()
        timers.removeAll()
    }

    // MARK: EventLoop

    var inEventLoop: Bool { SimulatedLoop.current === self }
    var now: NIODeadline { clock.deadline }

    func execute(_ task: @escaping @Sendable () -> Void) { _executeIsolatedUnsafeUnchecked(task) }

    func _executeIsolatedUnsafeUnchecked(_ task: @escaping () -> Void) {
        if !isClosed { tasks.append(task) }
    }

    @discardableResult
    func scheduleTask<T>(deadline: NIODeadline, _ task: @escaping @Sendable () throws -> T) -> Scheduled<T> {
        schedule(deadline, task)
    }

    @discardableResult
    func scheduleTask<T>(in delay: TimeAmount, _ task: @escaping @Sendable () throws -> T) -> Scheduled<T> {
        schedule(now + delay, task)
    }

    private func schedule<T>(_ deadline: NIODeadline, _ task: @escaping @Sendable () throws -> T) -> Scheduled<T> {
        let promise = makePromise(of: T.self)
        lastTimer += 1
        let id = lastTimer
        if isClosed {
            promise.fail(EventLoopError.shutdown)
        } else {
            let timer = Timer(deadline: deadline, id: id) {
                do { promise.assumeIsolated().succeed(try task()) } catch { promise.fail(error) }
            }
            timers.insert(timer, at: timers.firstIndex { $0.deadline > deadline } ?? timers.count)
        }
        return Scheduled(promise: promise) { [self] in timers.removeAll { $0.id == id } }
    }

    func preconditionInEventLoop(file: StaticString, line: UInt) { precondition(inEventLoop, file: file, line: line) }
    func preconditionNotInEventLoop(file: StaticString, line: UInt) { precondition(!inEventLoop, file: file, line: line) }

    func shutdownGracefully(queue: DispatchQueue, _ callback: @escaping @Sendable ((any Error)?) -> Void) {
        close()
        callback(nil)
    }
}

final class SimulatedGroup: EventLoopGroup, @unchecked Sendable {
    let loops: [SimulatedLoop]
    init(_ loops: [SimulatedLoop]) { self.loops = loops }

    func next() -> any EventLoop { loops[0] }
    func any() -> any EventLoop { loops[0] }
    func makeIterator() -> EventLoopIterator { EventLoopIterator(loops) }
    func shutdownGracefully(queue: DispatchQueue, _ callback: @escaping @Sendable ((any Error)?) -> Void) {
        for loop in loops { loop.close() }
        callback(nil)
    }
}
