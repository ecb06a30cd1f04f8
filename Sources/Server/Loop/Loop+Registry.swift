import Core

// The registry: shard 0 decides and numbers a definition, every loop's copy and every other shard records it, in number order. The answer
// leaves when all have recorded it durably.

/// Loop 0: who waits for an entry, and what is still to come.
struct DefinitionUnderWay {
    var remaining: Int
    var canceled: Int64
    var lastLSN: UInt64
    var waiters: [Waiter]

    struct Waiter {
        var request: DefinitionRequest
        var duplicate: Bool
    }
}

extension Loop {
    /// Loop 0: decides a definition. With one loop everything is done in this call.
    func define(_ request: DefinitionRequest) {
        let definition = request.definition
        if case .account(let account, .open) = definition, !request.resumes, isSuspended(account) {
            return answerSuspended(account, request)
        }
        let outcome = execute(.define(definition), wallet: 0, session: request.session)
        switch outcome {
        case .defined(let number, let canceled, let duplicate) where number > 0:
            definitions[number] = DefinitionUnderWay(
                remaining: count, canceled: canceled, lastLSN: lastLSN,
                waiters: [DefinitionUnderWay.Waiter(request: request, duplicate: duplicate)])
            distribute(number, definition)
        case .defined:
            // A repeat; the first may still be on its way to other loops, and who is told `dup=1` must be able to rely on it.
            finishWithLatest(DefinitionUnderWay.Waiter(request: request, duplicate: true))
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

    private func finishWithLatest(_ waiter: DefinitionUnderWay.Waiter) {
        if let latest = definitions.keys.max() {
            definitions[latest]!.waiters.append(waiter)
        } else {
            finish(waiter, canceled: 0, number: 0, lsn: 0)
        }
    }

    /// Loop 0: what counts for the kill switch; the registry a line was parsed with may be behind.
    private func isSuspended(_ account: AccountNumber) -> Bool {
        box(0).shard.registry.account(account).map { box(0).shard.registry.accounts[Int($0)].status == .suspended } ?? false
    }

    /// `ACC n open`, or a deposit, that met a suspension on its way here must not lift it.
    private func answerSuspended(_ account: AccountNumber, _ request: DefinitionRequest) {
        // The account is there, so the deposit goes on.
        if request.opensAccount { return finishWithLatest(DefinitionUnderWay.Waiter(request: request, duplicate: true)) }
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
        for waiter in done.waiters { finish(waiter, canceled: done.canceled, number: number, lsn: done.lastLSN) }
    }

    private func finish(_ waiter: DefinitionUnderWay.Waiter, canceled: Int64, number: Int64, lsn: UInt64) {
        let request = waiter.request
        if request.opensAccount {
            send(.opened(request.address, nil), to: request.address.loop)
            return
        }
        metrics.done(LoopMetrics.row(request.definition))
        let outcome = Outcome.defined(
            number: waiter.duplicate ? 0 : number, canceled: waiter.duplicate ? 0 : canceled, duplicate: waiter.duplicate)
        answerLater(
            request.address, outcome, AnswerWriter.About(.define(request.definition)), lsn: waiter.duplicate ? 0 : lsn)
    }
}
