import Core
import WAL

// Transfers between wallets: the source's shard debits and numbers (sent), the target's credits (received), the source notes that the credit
// is durable (settled). The client's answer leaves when the credit is durable.
//
// Crash anywhere: sent without received is delivered again by the next start, before the service is ready; received without
// settled is settled by it. The target ignores numbers it has credited, so nothing happens twice.

struct TransferChannel: Hashable {
    var source: WalletID
    var target: WalletID
}

struct TransferKey: Hashable {
    var channel: TransferChannel
    var sequence: Int64
}

/// An answer that leaves when a transfer is credited; repeats of the command wait beside the first.
struct TransferWaiter {
    var address: ReplyAddress
    var asset: AssetID
    var available: Amount
    var duplicate: Bool

    var outcome: Outcome { .balance(available: available, asset: asset, duplicate: duplicate) }
}

/// A credit recorded in this turn for a source shard of another loop.
struct Credit {
    var channel: TransferChannel
    var sequence: Int64
    /// Predicted.
    var lsn: UInt64
}

extension Loop {
    /// Sends a transfer that was just decided on its way (or joins a repeat to those who wait for it).
    /// - Returns: the (predicted) LSN of the credit when it is recorded by now, 0 for a repeat: then the caller
    ///   answers; `nil` when the answer will come by itself.
    func deliver(
        _ command: borrowing Command, from source: WalletID, to target: WalletID, sequence: Int64, duplicate: Bool,
        session: UInt64, waiter: () -> TransferWaiter
    ) -> UInt64? {
        let channel = TransferChannel(source: source, target: target)
        if duplicate {
            if let known = credited[channel], known.sequence >= sequence {
                return 0
            }
        } else if case .transfer(let transfer) = copy command {
            let received = TransferReceived(
                source: source, sequence: sequence, account: transfer.toAccount, fromAccount: transfer.account,
                asset: transfer.asset, amount: transfer.amount, reference: transfer.reference)
            // On this loop the credit goes into the same batch, after the debit: one commit for both.
            if hosts(target) {
                receive(received, target: target, session: session)
                credited[channel] = (sequence, UInt64.max)
                return lastLSN
            }
            send(.transfer(received, target: target), to: Loop.index(of: target, count: count))
        }
        transferWaiters[TransferKey(channel: channel, sequence: sequence), default: []].append(waiter())
        return nil
    }

    private func receive(_ transfer: TransferReceived, target: WalletID, session: UInt64) {
        let box = box(target)
        _ = box.shard.receive(transfer, now: now) { record($0, shard: box.number, session: session) }
    }

    /// Target: a transfer from a shard of another loop (or, at a start, of this one).
    func credit(_ transfer: TransferReceived, target: WalletID) {
        let recorded = batch.recordCount
        receive(transfer, target: target, session: 0)
        credits.append(
            Credit(
                channel: TransferChannel(source: transfer.source, target: target), sequence: transfer.sequence,
                lsn: batch.recordCount > recorded ? lastLSN : 0))
    }

    func sendCredits(shift: Int64) {
        for credit in credits {
            // A credit that was there before: durable to what this turn saw is durable enough.
            let lsn = credit.lsn == 0 ? log.sealedLSN : UInt64(Int64(credit.lsn) + shift)
            send(
                .credited(source: credit.channel.source, target: credit.channel.target, sequence: credit.sequence, lsn: lsn),
                to: Loop.index(of: credit.channel.source, count: count))
        }
        credits.removeAll(keepingCapacity: true)
    }

    /// Source: the target has recorded the credit.
    func noteCredited(source: WalletID, target: WalletID, sequence: Int64, lsn: UInt64) {
        let channel = TransferChannel(source: source, target: target)
        credited[channel] = (max(sequence, credited[channel]?.sequence ?? 0), lsn)
        guard let waiters = transferWaiters.removeValue(forKey: TransferKey(channel: channel, sequence: sequence)) else { return }
        for waiter in waiters { answerLater(waiter.address, waiter.outcome, lsn: waiter.duplicate ? 0 : lsn) }
    }

    /// At the begin of a turn: notes in the source shards what is credited durably.
    func settleDue() {
        let durable = log.durableLSN
        // The order over channels does not matter to any shard's state; sorted, so that two runs give the same log.
        for channel in credited.keys.sorted(by: { ($0.source, $0.target) < ($1.source, $1.target) }) {
            guard let entry = credited[channel], entry.lsn <= durable else { continue }
            credited[channel] = nil
            let box = box(channel.source)
            box.shard.settle(target: channel.target, upTo: entry.sequence, now: now) {
                record($0, shard: box.number, session: 0)
            }
        }
    }

    /// Credits recorded on this loop in the turn that ends have their LSNs now.
    func sealCredited(sealed: UInt64) {
        for channel in credited.keys where credited[channel]?.lsn == UInt64.max { credited[channel]?.lsn = sealed }
    }

    /// The next turn settles; when none comes by itself, this timer makes one. So a transfer on a busy loop costs no commit more.
    func scheduleSettle() {
        if settleIsScheduled { return }
        settleIsScheduled = true
        eventLoop.scheduleTask(in: .milliseconds(2)) { [self] in
            settleIsScheduled = false
            enter()
        }
    }
}
