// DMS: an account that is not heard of in time has everything cancelled. The deadline is in the log, so that a crash does not stop it.

extension Shard {
    mutating func decide(_ set: DeadMan, _ now: Timestamp, _ emit: (borrowing Mutation) -> Void) -> Outcome {
        guard let account = registry.account(set.account) else { return .rejected(.unknownAccount(set.account)) }
        if set.deadline < 0 { return .rejected(.badValue(.value)) }
        if set.deadline == deadline(account) { return .done(duplicate: true) }
        if let late = tooLate(set.before, now) { return .rejected(late) }
        apply(.deadManSet(account: set.account, deadline: set.deadline), now, emit)
        return .done(duplicate: false)
    }

    private func deadline(_ account: Int32) -> Timestamp {
        accounts[account].risk == none ? 0 : risks[accounts[account].risk].deadline
    }

    /// Cancels what accounts have open whose time is up, until it were at least `max` orders. How many.
    mutating func cancelDead(_ now: Timestamp, max: Int, _ emit: (borrowing Mutation) -> Void) -> Int {
        var count = 0
        while count < max, let due = deadlines.first, due.time <= now {
            let account = due.value
            count += Int(cancelOpen(account, -1, .deadMan, 0, now, emit))
            // Last: a log that ends before it is due again.
            apply(.deadManSet(account: registry.accounts[Int(account)].number, deadline: 0), now, emit)
        }
        return count
    }

    mutating func evolveDeadMan(_ number: AccountNumber, _ deadline: Timestamp) {
        guard let account = registry.account(number) else { invariantFailure("a timer of an unknown account") }
        let risk = makeRisk(account)
        if risks[risk].heapIndex != none { deadlines.remove(risk, &risks) }
        risks[risk].deadline = deadline
        addDeadline(risk)
    }

    mutating func addDeadline(_ risk: Int32) {
        let it = risks[risk]
        if it.deadline == 0 { return }
        deadlines.insert(DueHeap.Entry(time: it.deadline, order: Int64(it.account), slot: risk, value: it.account), &risks)
    }

    // MARK: Queries

    /// 0: off.
    public func deadline(account: AccountNumber) -> Timestamp { registry.account(account).map { deadline($0) } ?? 0 }

    /// Accounts whose timer runs, in the order in which they were opened.
    public func forEachDeadline(_ body: (AccountNumber, Timestamp) -> Void) {
        for account in 0..<accounts.end where deadline(account) != 0 { body(registry.accounts[Int(account)].number, deadline(account)) }
    }
}
