import Core

// Every record has a cause: a command that somebody sent, was not refused, and that the model would take; or an obligation of the state.

extension Auditor {
    /// The commands that may be the cause of the next record; empty for what needs none. Fails where there is none.
    func causes(of mutation: Mutation, shard: WalletID, time: Timestamp, session: UInt64, lsn: UInt64) -> [Sent] {
        model.closing = nil
        let wallet = model.wallet(shard)
        if !wallet.due.isEmpty {
            // Whoever caused what owes it; of a CXA the other leg of a pair counts, too.
            guard case .orderCanceled(let canceled) = mutation, canceled.reason == .oco, var running = runs[shard] else { return [] }
            for index in running.indices { running[index].remaining.removeAll { $0 == canceled.order } }
            runs[shard] = running
            runOf[lsn] = running.first?.first
            return running.map(\.sent)
        }
        if case .orderCanceled(let canceled) = mutation, canceled.reason == .all {
            return cancelAllCauses(canceled, wallet, lsn)
        }
        endRun(shard)
        switch mutation {
        case .defined(_, let definition):
            return shard == 0 ? definitionCauses(mutation, definition, time, lsn) : []
        case .orderAccepted(let accepted):
            if accepted.cancelOnDisconnect != 0, accepted.cancelOnDisconnect != session {
                fail("LSN \(lsn): order \(accepted.id) of session \(session) is to be cancelled with session \(accepted.cancelOnDisconnect)")
            }
            let isNew = accepted.oco != 0 || accepted.contentHash == accepted.contentHashOfNew
            let found = commandCauses("O/\(accepted.account)/\(accepted.clientID.plain)", mutation, wallet, time, lsn) {
                if case .newOrder = $0 { isNew } else { !isNew }
            }
            if !isNew { model.closing = Set(found.compactMap { closeContent($0) }).sorted().joined(separator: "\n") }
            return found
        case .orderReplaced(let replaced):
            return commandCauses("P/\(account(of: replaced.order, wallet))", mutation, wallet, time, lsn)
        case .orderCanceled(let canceled):
            switch canceled.reason {
            case .requested: return commandCauses("C/\(account(of: canceled.order, wallet))", mutation, wallet, time, lsn)
            case .disconnect: checkDisconnect(canceled, wallet, session, lsn)
            case .deadMan: if session != 0 { fail("LSN \(lsn): session \(session) cancels order \(canceled.order) for a timer") }
            // What nothing owes the model refuses.
            case .suspended, .all, .unfilled, .funds, .selfTrade, .reduceOnly, .oco, .overflow: break
            }
            return []
        case .filled(let filled):
            return commandCauses("F/\(account(of: filled.order, wallet))/\(filled.exec.plain)", mutation, wallet, time, lsn)
        case .moneyMoved(let money): return commandCauses("R/\(money.account)/\(money.reference.plain)", mutation, wallet, time, lsn)
        case .transferredWithin(let transfer), .transferSent(let transfer, _):
            return commandCauses("R/\(transfer.account)/\(transfer.reference.plain)", mutation, wallet, time, lsn)
        case .positionTakenOver(let takeOver): return commandCauses("R/\(takeOver.account)/\(takeOver.reference.plain)", mutation, wallet, time, lsn)
        case .limitsSet(let account, _, _): return commandCauses("L/\(account == 0 ? "*" : "\(account)")", mutation, wallet, time, lsn)
        case .markSet(let instrument, _):
            guard instrument >= 0, Int(instrument) < model.names.instruments.count else { return [] }
            return commandCauses("M/\(model.names.instruments[Int(instrument)].symbol.plain)", mutation, wallet, time, lsn)
        case .orderExpired, .transferReceived, .transfersSettled, .matched, .orderTriggered: return []
        case .lossLatched(let account, _, false): return commandCauses("L/\(account)", mutation, wallet, time, lsn)
        case .lossLatched(let account, let asset, true):
            checkLatch(account, asset, wallet, lsn)
            return []
        case .deadManSet(let account, let deadline):
            return session == 0 ? [] : timerCauses(account, deadline, wallet, time, lsn)
        }
    }

    private func account(of order: OrderID, _ wallet: WalletState) -> AccountNumber { wallet.order(order, .max)?.account ?? 0 }

    private func closeContent(_ sent: Sent) -> String? {
        if case .shard(_, .closePosition(let close))? = sent.reading(model.names, at: model.names.count).ask { return Model.content(close) }
        return nil
    }

    private func commandCauses(
        _ key: String, _ mutation: Mutation, _ wallet: WalletState, _ time: Timestamp, _ lsn: UInt64, _ isMeant: (Command) -> Bool = { _ in true }
    ) -> [Sent] {
        var found: [Sent] = []
        var why = ""
        for sent in causes[key] ?? [] where sent.mayCause(lsn) {
            guard case .shard(let number, let command)? = sent.reading(model.names, at: wallet.registryNumber.last).ask, number == wallet.number,
                isMeant(command)
            else { continue }
            switch Judge(model: model, wallet: wallet, now: time).decide(command) {
            case .accept(let expected) where isSame(expected, mutation): found.append(sent)
            case .run(let all) where isSame(all[0], mutation):
                found.append(sent)
                model.owing = Array(all.dropFirst())
            case .run(let all): why += "\n  `\(sent.line)` would be \(all[0])"
            case .accept(let expected): why += "\n  `\(sent.line)` would be \(expected)"
            case .repeated(let text): why += "\n  `\(sent.line)` is done already: \(text)"
            case .refuse(let reasons): why += "\n  `\(sent.line)` is to be refused: \(reasons.joined(separator: " or "))"
            }
        }
        if found.isEmpty { fail("LSN \(lsn) has no cause: nobody asked for it, or it should have been refused\n  \(mutation)\(why)") }
        return found
    }

    private func definitionCauses(_ mutation: Mutation, _ definition: Definition, _ time: Timestamp, _ lsn: UInt64) -> [Sent] {
        let names = model.names
        let wallet = model.wallet(0)
        var keys: [String] = []
        switch definition {
        case .asset(let info): keys = ["D/AST/\(info.name.plain)"]
        case .wallet(let info): keys = ["D/WLT/\(info.name.plain)"]
        case .venue(let info): keys = ["D/VEN/\(info.name.plain)"]
        case .instrument(let info): keys = ["D/INS/\(info.symbol.plain)"]
        case .changeInstrument(let id, _): keys = ["D/INS/\(names.instruments[Int(id)].symbol.plain)"]
        case .account(let account, _): keys = ["D/ACC/\(account)", "D/ACC/*"]
        case .setting(let setting, _): keys = ["D/SET/\(setting.name)"]
        }
        var found: [Sent] = []
        var why = ""
        let judge = Judge(model: model, wallet: wallet, now: time)
        for sent in keys.flatMap({ causes[$0] ?? [] }) where sent.mayCause(lsn) {
            // The line may have been read before an entry that came meanwhile; the definition itself is decided here.
            guard let ask = readings(sent, names.count).lazy.compactMap(\.ask).first else { continue }
            var verdict = Verdict.refuse([])
            switch ask {
            case .define(let asked): verdict = judge.decide(asked, before: before(sent), at: names.count)
            case .change(let id, let change):
                verdict = judge.decide(
                    .changeInstrument(id, change.applied(to: names.terms(id, at: names.count))), before: before(sent), at: names.count)
            case .house(let status):
                if case .account(let account, status) = definition, let old = names.status(account, at: names.count), old != status {
                    found.append(sent)
                }
                continue
            case .shard(_, .money(let money)):
                if case .account(money.account, .open) = definition, names.status(money.account, at: names.count) == nil { found.append(sent) }
                continue
            default: continue
            }
            switch verdict {
            case .accept(let expected) where isSame(expected, mutation): found.append(sent)
            case .accept(let expected): why += "\n  `\(sent.line)` would be \(expected)"
            case .run: break
            case .repeated(let text): why += "\n  `\(sent.line)` is done already: \(text)"
            case .refuse(let reasons): why += "\n  `\(sent.line)` is to be refused: \(reasons.joined(separator: " or "))"
            }
        }
        if found.isEmpty { fail("LSN \(lsn) has no cause: nobody asked for it, or it should have been refused\n  \(mutation)\(why)") }
        return found
    }

    func before(_ sent: Sent) -> Timestamp { sent.words["before"].flatMap { Int64($0) }.map { $0 * 1_000 } ?? 0 }

    // MARK: CXA

    /// A CXA cancels all that is open, at once: its cancels follow each other in the wallet's records, by instrument and OrderID.
    private func cancelAllCauses(_ canceled: OrderCanceled, _ wallet: WalletState, _ lsn: UInt64) -> [Sent] {
        let running = (runs[wallet.number] ?? []).filter { $0.remaining.first == canceled.order }
        var begun: [CancelRun] = running
        // Whoever would have gone on otherwise was not it.
        if !running.isEmpty { for run in runs[wallet.number]! where run.remaining.first != canceled.order && !run.remaining.isEmpty { giveUp(run, wallet.number) } }
        if running.isEmpty {
            endRun(wallet.number)
            let account = account(of: canceled.order, wallet)
            for sent in causes["A/\(account)"] ?? [] where sent.mayCause(lsn) {
                guard case .cancelAll(let number, let all)? = sent.reading(model.names, at: wallet.registryNumber.last).ask,
                    number < 0 || number == wallet.number
                else { continue }
                let orders = model.openOrders(of: account, all.instrument, wallet)
                if orders.first == canceled.order { begun.append(CancelRun(sent: sent, first: lsn, remaining: orders)) }
            }
            if begun.isEmpty { fail("LSN \(lsn) has no cause: nobody asked for it by a CXA, in this order\n  \(canceled)") }
        }
        for index in begun.indices { begun[index].remaining.removeFirst() }
        runs[wallet.number] = begun
        runOf[lsn] = begun.first?.first
        return begun.map(\.sent)
    }

    private func giveUp(_ run: CancelRun, _ wallet: WalletID) {
        for lsn in run.sent.explains where runOf[lsn] == run.first && open[lsn]?.effect.shard == wallet && open[lsn]!.candidates.count > 1 {
            open[lsn]!.candidates.removeAll { $0 === run.sent }
            run.sent.explains.remove(lsn)
        }
    }

    /// Another record of the wallet: a CXA must be complete by now.
    func endRun(_ wallet: WalletID) {
        guard let ended = runs.removeValue(forKey: wallet), !ended.isEmpty else { return }
        if ended.contains(where: \.remaining.isEmpty) {
            for run in ended where !run.remaining.isEmpty { giveUp(run, wallet) }
        } else {
            fail("`\(ended[0].sent.line)` has left open what was open: \(ended[0].remaining)")
        }
    }

    // MARK: Cancel on disconnect

    private func checkDisconnect(_ canceled: OrderCanceled, _ wallet: WalletState, _ session: UInt64, _ lsn: UInt64) {
        guard let order = wallet.order(canceled.order, .max) else { return }
        if order.session == 0 { return fail("LSN \(lsn): order \(order.id) is cancelled with a session, and was not to be") }
        if session == 0 {
            if order.lsn > lifeStart { fail("LSN \(lsn): order \(order.id) is cancelled by a start, and came after it") }
        } else if session != order.session {
            fail("LSN \(lsn): order \(order.id) of session \(order.session) is cancelled with session \(session)")
        } else if let owner = sessionOwner[session], connections[owner]?.isOpen ?? false, connections[owner]!.endedBy == nil {
            // Whoever is heard after that was not gone.
            connections[owner]!.endedBy = lsn
        }
    }
}
