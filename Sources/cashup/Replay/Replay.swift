import Client
import Foundation
import Synchronization

/// Runs a plan to its end, over as many connections as it takes.
package struct Replay: Sendable {
    package struct Options: Sendable {
        package var endpoint = Endpoint.default
        /// `nil`: plain text.
        package var tls: ClientTLS?
        package var token: String?
        /// Commands in flight at most.
        package var window = 512
        /// Seconds without progress after which it gives up.
        package var patienceSeconds = 60.0
        /// A line about each lost connection.
        package var say: @Sendable (String) -> Void = { _ in }
        package init() {}
    }

    package struct Result: Sendable {
        package var figures: ReplayDriver.Figures
        /// Done by earlier runs.
        package var doneBefore: Int
        package var connections: Int
        package var elapsedSeconds: Double
        /// Orders of the plan that the service shows as open at the end.
        package var stillOpen: Int
        /// Whether these are exactly the plan's.
        package var openOrdersAgree: Bool
    }

    /// The name under which runs replace each other, so that no two ever send at once.
    package static let session = "replay-orders"

    let plan: ReplayPlan
    let options: Options
    let progress = ReplayProgress()

    package init(plan: ReplayPlan, options: Options) {
        self.plan = plan
        self.options = options
    }

    /// - Throws: ``Failure`` or `ClientError` if it cannot go on. A refusal is not thrown but in the result's figures.
    package func run() async throws -> Result {
        var figures = ReplayDriver.Figures()
        var lastAnswered = -1
        var doneBefore: Int?
        var connections = 0
        var started: ContinuousClock.Instant?
        let backoff = Backoff(patienceSeconds: options.patienceSeconds)
        var attempt = backoff.start()

        while true {
            do {
                let connection = try await LineConnection.connect(to: options.endpoint, tls: options.tls, onNotice: { _ in })
                connections += 1
                try await open(connection)
                let resume = try await ReplayResume.find(plan: plan, connection: connection)
                if lastAnswered >= 0, !resume.isDone(lastAnswered) {
                    throw Failure("the service has lost a command that it had answered as done: \(text(lastAnswered))")
                }
                if doneBefore == nil {
                    doneBefore = resume.doneCount
                    progress.answered.wrappingAdd(resume.doneCount, ordering: .relaxed)
                }
                if resume.doneCount == 0 { try await fund(connection) }
                if started == nil { started = .now }
                let before = figures.answered
                let end = await connection.pipeline(
                    ReplayDriver(plan: plan, resume: resume, figures: figures, lastAnswered: lastAnswered, progress: progress),
                    window: options.window)
                figures = end.driver.figures
                lastAnswered = end.driver.lastAnswered
                if figures.answered > before { attempt = backoff.start() }
                if let error = end.error { throw error }
                if end.driver.isDraining { throw ClientError.disconnected(bye: "shutdown", reason: "draining") }
                let elapsed = started.map { ContinuousClock.now - $0 } ?? .zero
                let open = figures.refusalCount == 0 ? try await openOrders(connection) : []
                await connection.close()
                return Result(
                    figures: figures, doneBefore: doneBefore ?? 0, connections: connections,
                    elapsedSeconds: elapsed / .seconds(1), stillOpen: open.count, openOrdersAgree: open == plan.openOrders)
            } catch let error as ClientError {
                guard Self.isWorthRetrying(error) else { throw error }
                guard let delay = attempt.next() else {
                    throw Failure("\(error); gave up after \(Int(options.patienceSeconds)) s. Start again with the same file to finish")
                }
                options.say("\(error); trying again")
                try await Task.sleep(for: delay)
            }
        }
    }

    private func text(_ command: Int) -> String { String(decoding: plan.text(of: command), as: UTF8.self) }

    /// AUTH, which also ends the connection of an earlier run and has everything it had sent decided.
    private func open(_ connection: LineConnection) async throws {
        let answer = try await connection.send("AUTH \(options.token ?? "-") session=\(Self.session)")
        if answer.code == "DRAINING" { throw ClientError.disconnected(bye: "shutdown", reason: "draining") }
        guard answer.isDone else { throw Failure("AUTH: \(answer.line)") }
    }

    /// Done before the first order is sent, and only then: as long as the service knows the first order, the deposits are there.
    private func fund(_ connection: LineConnection) async throws {
        let deposits = (1...ReplayPlan.accounts).flatMap { account in
            ReplayPlan.funding.map { asset, amount in
                connection.submit("DEP \(account) \(asset) \(amount) ref=replay-\(asset) wallet=\(ReplayPlan.wallet)")
            }
        }
        for deposit in deposits {
            let answer = try await deposit.get()
            if answer.code == "DRAINING" { throw ClientError.disconnected(bye: "shutdown", reason: "draining") }
            guard answer.isDone else { throw Failure("DEP: \(answer.line)") }
        }
    }

    /// The plan's orders that the service shows as open.
    private func openOrders(_ connection: LineConnection) async throws -> Set<UInt64> {
        let planned = Set(plan.orders.lazy.map(\.id))
        var open: Set<UInt64> = []
        let page = 1000
        for account in 1...ReplayPlan.accounts {
            var after = ""
            while true {
                let answer = try await connection.send("ORD \(account) \(ReplayPlan.symbol) status=open limit=\(page)\(after)")
                guard answer.isDone else { throw Failure("ORD \(account): \(answer.line)") }
                open.formUnion(answer.rows.compactMap { $0["id"].flatMap { UInt64($0) } }.filter(planned.contains))
                guard answer.rows.count == page, let last = answer.rows.last?.words.first else { break }
                after = " after=\(last)"
            }
        }
        return open
    }

    /// Lost connections are; another run that took over, an expired token or a foreign server are not.
    private static func isWorthRetrying(_ error: ClientError) -> Bool {
        switch error {
        case .disconnected(bye: "replaced", _), .disconnected(bye: "token_expired", _): false
        case .disconnected, .unreachable: true
        case .notCashUp, .insecure, .unusable, .protocolViolation, .unsendable, .noticesUnread: false
        }
    }
}

/// Waiting times between attempts: doubling from 20 ms to 200 ms, until `patienceSeconds` have passed since the last progress.
private struct Backoff {
    let patienceSeconds: Double

    func start() -> Attempts { Attempts(deadline: .now + .seconds(patienceSeconds)) }

    struct Attempts {
        let deadline: ContinuousClock.Instant
        var delayMilliseconds = 20

        mutating func next() -> Duration? {
            guard ContinuousClock.now < deadline else { return nil }
            defer { delayMilliseconds = min(delayMilliseconds * 2, 200) }
            return .milliseconds(delayMilliseconds)
        }
    }
}
