import Core
import NIOCore
import WAL

// Stages 3 to 5 of a request's path for commands of one shard: to the shard's loop, decided and applied there, recorded in the open batch.

/// An answer to be written when the batch has its LSNs: to another loop's command, or to one that left a hole in this turn.
struct RemoteAnswer {
    var address: ReplyAddress
    var about: AnswerWriter.About
    var outcome: Outcome
    /// Predicted; 0: nothing changed.
    var lsn: UInt64
}

extension Loop {
    /// Decides a command for a shard of this loop.
    @inline(__always)
    func execute(_ command: borrowing Command, wallet: WalletID, session: UInt64) -> Outcome {
        shard(wallet).pointee.execute(command, now: now) { record($0, shard: wallet, session: session) }
    }

    // The same for the frequent ones, where they lie. What follows from a NEW or RPL on an internal venue is recorded behind it.

    @inline(__always)
    func execute(_ order: borrowing NewOrder, wallet: WalletID, session: UInt64) -> Outcome {
        shard(wallet).pointee.execute(
            order, now: now, emit: { accepted in record(accepted, shard: wallet, session: session) },
            then: { mutation in record(mutation, shard: wallet, session: session) })
    }

    @inline(__always)
    func execute(_ replace: borrowing Replace, ahead: Shard.Ahead, wallet: WalletID, session: UInt64) -> Outcome {
        shard(wallet).pointee.execute(
            replace, ahead: ahead, now: now, emit: { replaced in record(replaced, shard: wallet, session: session) },
            then: { mutation in record(mutation, shard: wallet, session: session) })
    }

    @inline(__always)
    func execute(_ cancel: borrowing Cancel, ahead: Shard.Ahead, wallet: WalletID, session: UInt64) -> Outcome {
        shard(wallet).pointee.execute(cancel, ahead: ahead, now: now) { canceled in record(canceled, shard: wallet, session: session) }
    }

    @inline(__always)
    func execute(_ fill: borrowing Fill, ahead: Shard.Ahead, wallet: WalletID, session: UInt64) -> Outcome {
        shard(wallet).pointee.execute(
            fill, ahead: ahead, now: now, emit: { filled in record(filled, shard: wallet, session: session) },
            then: { mutation in record(mutation, shard: wallet, session: session) })
    }

    /// On a disk that is nearly full only some commands are taken (docs/PROTOCOL.md, STORAGE_FULL).
    func hasRoom(for command: borrowing Command, wallet: WalletID) -> Bool {
        switch storage {
        case .ok: true
        case .reserved: box(wallet).shard.isTakenInLittleRoom(command)
        case .full: false
        }
    }

    /// Why the data directory cannot hold what the request comes to: it is of an older format, that its own version of the program can read.
    @inline(__always)
    func formatRefusal(_ request: borrowing Request) -> Refusal? { log.format == DataFormat.current ? nil : Refusal(request, format: log.format) }

    /// A command of another loop's connection.
    /// - Parameter isAdmitted: a part of it is done, so it is not refused for want of room any more.
    func executeRemote(_ address: ReplyAddress, _ wallet: WalletID, _ command: Command, session: UInt64, isAdmitted: Bool = false) {
        if !isAdmitted, !hasRoom(for: command, wallet: wallet) {
            metrics.refused(LoopMetrics.row(command), .storageFull)
            AnswerWriter.write(.storageFull, tag: address.tag, into: &edgeText)
            return answerLaterWithEdgeText(address)
        }
        let recorded = batch.recordCount
        let outcome = execute(command, wallet: wallet, session: session)
        metrics.count(LoopMetrics.row(command), outcome)
        if case .transferring(let target, let sequence, let asset, let available, let duplicate) = outcome {
            let waiter = TransferWaiter(address: address, asset: asset, available: available, duplicate: duplicate)
            let lsn = deliver(
                command, from: wallet, to: target, sequence: sequence, duplicate: duplicate, session: session
            ) { waiter }
            if let lsn { remoteAnswers.append(RemoteAnswer(address: address, about: .nothing, outcome: waiter.outcome, lsn: lsn)) }
            return
        }
        if case .rejected = outcome {
            // Its facts are the registry's of now: at the turn's end a tick, say, may be another than the one it was refused for.
            return answerLater(address, outcome, AnswerWriter.About(command), lsn: 0)
        }
        remoteAnswers.append(
            RemoteAnswer(address: address, about: AnswerWriter.About(command), outcome: outcome, lsn: batch.recordCount > recorded ? lastLSN : 0))
    }

    /// Writes the answers to other loops' commands, now that the batch has its LSNs.
    func finishRemoteAnswers(shift: Int64) {
        if !credits.isEmpty { sendCredits(shift: shift) }
        for answer in remoteAnswers {
            let lsn = answer.lsn == 0 ? 0 : UInt64(Int64(answer.lsn) + shift)
            answerLater(answer.address, answer.outcome, answer.about, lsn: lsn)
        }
        remoteAnswers.removeAll(keepingCapacity: true)
    }

    func write(_ outcome: Outcome, _ about: AnswerWriter.About, tag: Text, lsn: UInt64) {
        AnswerWriter.write(outcome, tag: tag, lsn: Int64(lsn), about: about, registry: registry, into: &edgeText)
    }

    /// Sends ``edgeText`` as the answer to a command of another loop's connection.
    private func sendEdgeText(to address: ReplyAddress) {
        let start = outbox[address.loop].text.writerIndex
        edgeText.withUnsafeBytes { _ = outbox[address.loop].text.writeBytes($0) }
        edgeText.removeAll()
        outbox[address.loop].messages.append(.answer(address, start: start, end: outbox[address.loop].text.writerIndex))
    }

    /// Answers a command that left a hole, wherever its connection is, with ``edgeText``. It leaves when all that this turn saw is
    /// durable.
    func answerLaterWithEdgeText(_ address: ReplyAddress) {
        if address.loop != index { return sendEdgeText(to: address) }
        var text = ByteBufferAllocator().buffer(capacity: edgeText.count)
        edgeText.withUnsafeBytes { _ = text.writeBytes($0) }
        edgeText.removeAll()
        connection(address.connection)?.fill(address.ticket, text: text, wait: OutputQueue.unsealed)
    }

    func answerLater(_ address: ReplyAddress, _ outcome: Outcome, _ about: AnswerWriter.About = .nothing, lsn: UInt64) {
        write(outcome, about, tag: address.tag, lsn: lsn)
        answerLaterWithEdgeText(address)
    }
}
