import Core

// The registry: shard 0 decides and numbers a definition, every loop's copy and every other shard records it, in number order. The answer
// leaves when all have recorded it durably.

/// Loop 0: who waits for an entry, and what is still to come.
struct DefinitionUnderWay {
    var remaining: Int
    var canceled: Int64 = 0
    var lastLSN: UInt64
    var waiters: [Waiter] = []
    /// The number of the request for all accounts that it belongs to; 0: none.
    var house: UInt64 = 0

    enum Waiter {
        case one(DefinitionRequest, duplicate: Bool)
        /// Everything asked for by this request for all accounts is recorded with this entry, the last of them.
        case house(UInt64)
    }
}

/// Loop 0: `ACC * suspend` or `ACC * resume`, an entry per account.
struct HouseUnderWay {
    var address: ReplyAddress
    var status: AccountStatus
    /// Entries made for it.
    var accounts: Int64 = 0
    var canceled: Int64 = 0
}

extension Loop {
    /// Loop 0: decides a definition. With one loop everything is done in this call.
    func define(_ request: DefinitionRequest) {
        var definition = request.definition
        if case .changeInstrument(let id, let terms) = definition, let info = box(0).shard.registry.instrumentInfo(id) {
            definition = .changeInstrument(id, LineParser.merged(terms, named: KeySet(bits: request.named), into: info.terms))
        }
        if case .account(let account, .open) = definition, !request.resumes, isSuspended(account) {
            return answerSuspended(account, request)
        }
        let outcome = execute(.define(definition), wallet: 0, session: request.session)
        switch outcome {
        case .defined(let number, let canceled, let duplicate) where number > 0:
            definitions[number] = DefinitionUnderWay(
                remaining: count, canceled: canceled, lastLSN: lastLSN, waiters: [.one(request, duplicate: duplicate)])
            distribute(number, definition)
        case .defined:
            // A repeat; the first may still be on its way to other loops, and who is told `dup=1` must be able to rely on it.
            finishWithLatest(.one(request, duplicate: true))
        case .rejected(let rejection):
            if request.opensAccount {
                send(.opened(request.address, rejection), to: request.address.loop)
            } else {
                metrics.refused(LoopMetrics.row(definition), rejection.code)
                answerLater(request.address, outcome, AnswerWriter.About(.define(definition)), lsn: 0)
            }
        default:
            invariantFailure("a definition with another command's outcome")
        }
    }

    /// Loop 0: a definition that nobody asked for.
    func defineByItself(_ definition: Definition) {
        guard case .defined(let number, let canceled, false) = execute(.define(definition), wallet: 0, session: 0) else { return }
        definitions[number] = DefinitionUnderWay(remaining: count, canceled: canceled, lastLSN: lastLSN)
        distribute(number, definition)
    }

    /// Loop 0: the kill switch of the house, and its end: an entry for each account that is not so yet, all in this turn. Entries are recorded in
    /// their order everywhere, so the answer leaves with the last.
    func defineHouse(_ status: AccountStatus, _ address: ReplyAddress, session: UInt64) {
        lastHouse += 1
        houses[lastHouse] = HouseUnderWay(address: address, status: status)
        for index in 0..<box(0).shard.registry.accounts.count where box(0).shard.registry.accounts[index].status != status {
            let definition = Definition.account(box(0).shard.registry.accounts[index].number, status)
            guard case .defined(let number, let canceled, false) = execute(.define(definition), wallet: 0, session: session) else {
                invariantFailure("the status of a known account was refused")
            }
            houses[lastHouse]!.accounts += 1
            definitions[number] = DefinitionUnderWay(remaining: count, canceled: canceled, lastLSN: lastLSN, house: lastHouse)
            distribute(number, definition)
        }
        finishWithLatest(.house(lastHouse))
    }

    private func finishWithLatest(_ waiter: DefinitionUnderWay.Waiter) {
        if let latest = definitions.keys.max() {
            definitions[latest]!.waiters.append(waiter)
        } else {
            finish(waiter, canceled: 0, number: 0, lsn: lastLSN)
        }
    }

    /// Loop 0: what counts for the kill switch; the registry a line was parsed with may be behind.
    private func isSuspended(_ account: AccountNumber) -> Bool {
        box(0).shard.registry.account(account).map { box(0).shard.registry.accounts[Int($0)].status == .suspended } ?? false
    }

    /// `ACC n open`, or a deposit, that met a suspension on its way here must not lift it.
    private func answerSuspended(_ account: AccountNumber, _ request: DefinitionRequest) {
        // The account is there, so the deposit goes on.
        if request.opensAccount { return finishWithLatest(.one(request, duplicate: true)) }
        metrics.refused(LoopMetrics.row(.accounts), .alreadyExists)
        AnswerWriter.write(.accountExists(account), tag: request.address.tag, into: &edgeText)
        answerLaterWithEdgeText(request.address)
    }

    private func distribute(_ number: Int64, _ definition: Definition) {
        var newcomer = -1
        if case .wallet = definition { newcomer = Loop.index(of: walletDefined(by: number), count: count) }
        for loop in 0..<count {
            let history = loop == newcomer ? (1...number).map { box(0).shard.definition(number: $0) } : []
            if loop == index {
                applyEntry(number, definition, history: history)
            } else {
                outbox[loop].messages.append(.record(number: number, definition, history: history))
            }
        }
    }

    /// The wallet that entry `number`, the newest one, defines.
    private func walletDefined(by number: Int64) -> WalletID { WalletID(box(0).shard.registry.wallets.count - 1) }

    /// Any loop: takes entry `number` into its registry and its shards, and says so to loop 0.
    func applyEntry(_ number: Int64, _ definition: Definition, history: [Definition]) {
        registry.evolve(number: number, definition)
        var canceled: Int64 = 0
        for box in shards where box.number != 0 {
            canceled += box.shard.copyDefinition(number: number, definition, now: now) {
                record($0, shard: box.number, session: 0)
            }
        }
        if case .wallet = definition {
            let wallet = WalletID(registry.wallets.count - 1)
            if hosts(wallet), wallet != 0 { addShard(wallet, history: history) }
        }
        send(.recorded(number: number, canceled: canceled), to: 0)
    }

    /// A new wallet's shard begins with all entries there are.
    private func addShard(_ wallet: WalletID, history: [Definition]) {
        let box = ShardBox(number: wallet)
        invariant(shards.count == Int(wallet) / count, "wallets are defined in the order of their numbers")
        add(box)
        for (offset, definition) in history.enumerated() {
            _ = box.shard.copyDefinition(number: Int64(offset + 1), definition, now: now) {
                record($0, shard: wallet, session: 0)
            }
        }
    }

    /// Loop 0: a loop has it.
    func noteRecorded(number: Int64, canceled: Int64, lastLSN: UInt64) {
        guard definitions[number] != nil else { invariantFailure("an entry recorded twice") }
        definitions[number]!.remaining -= 1
        definitions[number]!.canceled += canceled
        definitions[number]!.lastLSN = max(definitions[number]!.lastLSN, lastLSN)
        guard definitions[number]!.remaining == 0, let done = definitions.removeValue(forKey: number) else { return }
        if done.house != 0 { houses[done.house]!.canceled += done.canceled }
        for waiter in done.waiters { finish(waiter, canceled: done.canceled, number: number, lsn: done.lastLSN) }
    }

    private func finish(_ waiter: DefinitionUnderWay.Waiter, canceled: Int64, number: Int64, lsn: UInt64) {
        switch waiter {
        case .one(let request, _) where request.opensAccount:
            send(.opened(request.address, nil), to: request.address.loop)
        case .one(let request, let duplicate):
            metrics.done(LoopMetrics.row(request.definition))
            let outcome = Outcome.defined(number: duplicate ? 0 : number, canceled: duplicate ? 0 : canceled, duplicate: duplicate)
            answerLater(request.address, outcome, AnswerWriter.About(.define(request.definition)), lsn: duplicate ? 0 : lsn)
        case .house(let house):
            guard let done = houses.removeValue(forKey: house) else { invariantFailure("a request for all accounts ended twice") }
            metrics.done(LoopMetrics.row(.accounts))
            AnswerWriter.house(
                done.status, accounts: done.accounts, canceled: done.canceled, tag: done.address.tag, lsn: Int64(lsn), into: &edgeText)
            answerLaterWithEdgeText(done.address)
        }
    }
}
