import Core
import NIOCore

// DMS: one deadline for the account in every wallet.

extension Connection {
    /// - Parameter seconds: from now; 0: the timer is off.
    func setDeadMan(_ account: AccountNumber, _ seconds: Int64, _ parsed: borrowing ParsedLine) {
        // On a disk that is nearly full a timer that runs out takes risk off, and one that is renewed every second takes room.
        if loop.storage == .full || loop.storage != .ok && seconds != 0 { return answer(refusal: .storageFull, tag: parsed.tag) }
        var set = DeadMan(account: account, deadline: seconds == 0 ? 0 : loop.now + seconds * 1_000_000, before: parsed.before)
        guard loop.count == 1 else {
            // Judged here for all: each loop has a time and a registry of its own, and what one of them refuses the others would have done.
            if loop.registry.account(account) == nil { return answer(rejection: .unknownAccount(account), tag: parsed.tag) }
            if isLate(parsed) { return answerLate(parsed) }
            set.before = 0
            // What comes after it on this connection must find it set.
            let address = makeHole(parsed.tag)
            pause = .answer(ticket: address.ticket)
            return loop.startGathering(.deadMan(set), address, wallets: 0...max(0, loop.walletCount - 1), session: session.number)
        }
        let recorded = loop.batch.recordCount
        for wallet in 0..<max(1, loop.walletCount) {
            if case .rejected(let rejection) = loop.execute(.deadMan(set), wallet: WalletID(wallet), session: session.number) {
                return answer(rejection: rejection, tag: parsed.tag)
            }
        }
        loop.metrics.done(loop.row)
        AnswerWriter.deadMan(
            set.deadline, tag: parsed.tag, lsn: loop.batch.recordCount > recorded ? Int64(loop.lastLSN) : 0, into: &loop.scratch)
        scratchDependsOnState = true
    }
}
