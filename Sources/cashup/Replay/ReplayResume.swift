import Client
import NIOCore

/// Finds out which of a plan's commands the service has done already.
///
/// All commands go over one connection to one wallet, so they take effect in the plan's order and what has been done is a prefix of the plan,
/// whoever was killed. `AUTH ... session=` ends an earlier run's connection before this looks, so nothing of it arrives later.
/// NEW and FIL could be repeated blindly, because their ids make them harmless. RPL could not: an old one repeated after a later one would undo
/// it until the later one is repeated too, and a fill in between would meet the wrong order. So nothing is repeated that is known to be done.
///
/// A binary search over the NEWs (is the order there?) finds the end of the prefix. A run that ended by a refusal in mid-stream may have left
/// holes in the last window before it; therefore each order within a full window on both sides is compared with the states that its
/// commands lead through.
package struct ReplayResume: Sendable {
    /// Everything before is done, everything from `checked.upperBound` on is not; in between `done` decides.
    var checked: Range<Int> = 0..<0
    /// One flag per command of `checked`.
    var done: [Bool] = []

    func isDone(_ command: Int) -> Bool {
        command < checked.lowerBound || (checked.contains(command) && done[command - checked.lowerBound])
    }

    /// Number of commands that are done already.
    var doneCount: Int { checked.lowerBound + done.lazy.filter { $0 }.count }

    /// Asks the service. - Throws: ``Failure`` if an order there is in none of the states that the plan leads through.
    static func find(plan: ReplayPlan, connection: LineConnection) async throws -> ReplayResume {
        guard !plan.orders.isEmpty else { return ReplayResume() }
        // Invariant: orders before `low` are there, from `high` on they are not.
        var low = 0
        var high = plan.orders.count
        while low < high {
            let middle = (low + high) / 2
            if try await observe(plan.orders[middle], connection).get() == nil { high = middle } else { low = middle + 1 }
        }
        let boundary = Int(plan.orders[max(0, low - 1)].first)
        let start = max(0, boundary - LineConnection.windowMax)
        var resume = ReplayResume()
        resume.checked = start..<min(plan.commands.count, boundary + LineConnection.windowMax)
        resume.done = Array(repeating: false, count: resume.checked.count)

        var orders: [Int32] = []
        var seen: Set<Int32> = []
        for command in resume.checked where seen.insert(plan.commands[command].order).inserted {
            orders.append(plan.commands[command].order)
        }
        let answers = orders.map { observe(plan.orders[Int($0)], connection) }
        for (order, answer) in zip(orders, answers) {
            guard let state = try await answer.get() else { continue }
            guard let last = lastDone(of: plan.orders[Int(order)], state: state, in: plan) else {
                throw Failure(
                    "order \(plan.orders[Int(order)].id) of account \(plan.orders[Int(order)].account) is in a state that this file does not lead to: \(state)")
            }
            var command = Int(plan.orders[Int(order)].first)
            while command >= 0, command <= last {
                if resume.checked.contains(command) { resume.done[command - resume.checked.lowerBound] = true }
                command = Int(plan.commands[command].next)
            }
        }
        return resume
    }

    /// The latest of the order's commands that leads to `state`. Where several do, only replaces stand between them, which set the state
    /// anew and leave nothing else behind: whether those in between were done makes no difference, so they are not sent (again).
    package static func lastDone(of order: ReplayPlan.Order, state: ReplayPlan.OrderState, in plan: ReplayPlan) -> Int? {
        var command = Int(order.first)
        var last: Int?
        while command >= 0 {
            if plan.commands[command].after == state { last = command }
            command = Int(plan.commands[command].next)
        }
        return last
    }

    /// The order as the service shows it; nil if it does not know it.
    private static func observe(_ order: ReplayPlan.Order, _ connection: LineConnection)
        -> EventLoopFuture<ReplayPlan.OrderState?>
    {
        connection.submit("ORD \(order.account) \(ReplayPlan.symbol) id=\(order.id)").flatMapThrowing { answer in
            // Before the funding the account is not there either.
            if answer.code == "UNKNOWN_ORDER" || answer.code == "UNKNOWN_ACCOUNT" { return nil }
            if answer.code == "DRAINING" { throw ClientError.disconnected(bye: "shutdown", reason: "draining") }
            guard answer.isDone, let row = answer.rows.first, let state = ReplayPlan.OrderState(row: row) else {
                throw Failure("ORD of order \(order.id): \(answer.line)")
            }
            return state
        }
    }
}

extension ReplayPlan.OrderState {
    /// nil unless the row of `ORD` has the numbers at the plan's scales.
    init?(row: Fields) {
        guard let quantity = row["qty"].flatMap({ Decimals.parse($0, scale: ReplayPlan.quantityScale) }),
            let price = row["price"].flatMap({ Decimals.parse($0, scale: ReplayPlan.priceScale) }),
            let cumulative = row["cum"].flatMap({ Decimals.parse($0, scale: ReplayPlan.quantityScale) }),
            let status = row["status"]
        else { return nil }
        self.init(
            quantity: quantity, price: price, cumulative: cumulative, isOpen: status == "NEW" || status == "PARTIALLY_FILLED")
    }
}
