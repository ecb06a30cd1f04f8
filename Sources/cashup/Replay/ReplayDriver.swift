import Client
import NIOCore
import Synchronization

/// Commands answered so far, for the progress line: written by the event loop, read by the printing task.
final class ReplayProgress: Sendable {
    let answered = Atomic<Int>(0)
}

/// Sends what is not done yet of a plan, and counts the answers.
package struct ReplayDriver: PipelineDriver {
    /// What has been answered in this run, over all its connections.
    package struct Figures: Sendable {
        package var answered = 0
        package var newOrders = 0
        package var repeats = 0
        package var latencies = Latencies()
        /// The first refusals, each with its command, and how many there were.
        package var refusals: [String] = []
        package var refusalCount = 0
        static let refusalsKept = 10
    }

    let plan: ReplayPlan
    let resume: ReplayResume
    let progress: ReplayProgress
    var figures: Figures
    /// The server has begun to shut down: what it refused for that is sent again on the next connection.
    private(set) var isDraining = false
    /// Highest command that has been answered as done.
    private(set) var lastAnswered: Int

    private var position = 0
    private var inFlight = CircularBuffer<Int32>()

    init(plan: ReplayPlan, resume: ReplayResume, figures: Figures, lastAnswered: Int, progress: ReplayProgress) {
        self.plan = plan
        self.resume = resume
        self.figures = figures
        self.lastAnswered = lastAnswered
        self.progress = progress
        position = resume.checked.lowerBound
    }

    package mutating func next(into buffer: inout ByteBuffer) -> PipelineStep {
        // After an unexpected refusal nothing more is sent: what follows could rest on what was refused.
        if isDraining || figures.refusalCount > 0 { return .done }
        while position < plan.commands.count, resume.isDone(position) { position += 1 }
        guard position < plan.commands.count else { return .done }
        buffer.writeBytes(plan.text(of: position))
        inFlight.append(Int32(position))
        position += 1
        return .command
    }

    package mutating func answer(_ line: RawSpan, index: Int, nanoseconds: UInt64) {
        let command = Int(inFlight.removeFirst())
        guard line.firstByte == UInt8(ascii: "+") else { return refused(line.text, command) }
        figures.answered += 1
        if plan.commands[command].kind == .new { figures.newOrders += 1 }
        if line.isRepeat { figures.repeats += 1 }
        figures.latencies.record(nanoseconds: nanoseconds)
        lastAnswered = max(lastAnswered, command)
        progress.answered.wrappingAdd(1, ordering: .relaxed)
    }

    private mutating func refused(_ line: String, _ command: Int) {
        if Answer(line: line).code == "DRAINING" {
            isDraining = true
            return
        }
        figures.refusalCount += 1
        if figures.refusals.count < Figures.refusalsKept {
            figures.refusals.append("\(String(decoding: plan.text(of: command), as: UTF8.self))\n  \(line)")
        }
    }
}
