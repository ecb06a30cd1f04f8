import Core
import NIOCore
import WAL

// Stage 6 of a request's path: the end of a turn. Its order is what the promises rest on:
//
//   1. The batch is sealed: it has its LSNs and is in the log's queue.
//   2. The sealed end C of the log is read. Every answer of this turn that depends on state waits until the log is durable to C: what it
//      rests on may be in another loop's batch, but is sealed by now.
//   3. Messages go to other loops. Not before 1: else an effect elsewhere could be durable without its cause here.
//   4. commit: this thread writes and syncs, if no other does.
//   5. What is durable leaves. Not before 4: else a client would know what a crash undoes.

extension Loop {
    /// Starts a turn unless one is going on.
    @inline(__always)
    func enter() {
        if !inTurn { beginTurn() }
    }

    /// The same for the input of a connection: records enough for a commit of their own do not wait for it.
    @inline(__always)
    func enterForInput() {
        if inTurn, batch.recordCount >= Loop.earlyEndRecordsMin { endTurn() }
        enter()
    }

    private func beginTurn() {
        inTurn = true
        now = clock.now()
        turnBegan = monotonicNanoseconds()
        metrics.turns.add(1)
        storage = log.storage
        // Before anything is decided: an order whose time is up trades no more.
        if now >= scheduledExpiry, scheduledExpiry != Loop.expiryWaitsForTick { expireDue() }
        if !endIsScheduled {
            endIsScheduled = true
            eventLoop.execute(endTurnTask)
        }
        if !credited.isEmpty { settleDue() }
    }

    func endTurn() {
        var shift: Int64 = 0
        var last: UInt64 = 0
        let recorded = batch.recordCount
        if recorded > 0 {
            last = log.seal(batch)
            shift = Int64(batch.firstLSN) - Int64(predictedBase) - 1
            batches.put(batch)
            metrics.batches.add(1)
            metrics.records.add(UInt64(recorded))
        }
        let sealed = log.sealedLSN
        let base = recorded > 0 ? batch.firstLSN - 1 : sealed
        sealCredited(sealed: sealed)
        if !endedSessions.isEmpty { forgetEndedSessions() }
        finishRemoteAnswers(shift: shift)
        for connection in touched { connection.seal(lsn: sealed, shift: shift) }
        if count > 1 { handOver(sealed: sealed, base: base, last: last) }
        if log.durableLSN < sealed {
            service.beforeCommit?()
            if recorded >= Loop.overlapRecordsMin { log.commitSoon() } else { log.commit() }
        }
        if last > 0 { batch = batches.take(durableLSN: log.durableLSN) }
        inTurn = false

        for connection in touched {
            connection.isTouched = false
            if connection.isWaiting { continue }
            connection.isWaiting = true
            waiting.append(connection)
        }
        touched.removeAll(keepingCapacity: true)
        release()
        letOthersGoFirst()

        scheduleExpiry()
        if !credited.isEmpty { scheduleSettle() }
    }

    // MARK: Release

    /// Sends what the log has made durable.
    func release() {
        if waiting.isEmpty { return }
        let durable = log.durableLSN
        let time = monotonicNanoseconds()
        var kept = 0
        var lowest = UInt64.max
        for position in waiting.indices {
            let connection = waiting[position]
            connection.isWaiting = false
            guard let wait = connection.flush(durable: durable, at: time) else { continue }
            connection.isWaiting = true
            lowest = min(lowest, wait)
            waiting[kept] = connection
            kept += 1
        }
        waiting.removeLast(waiting.count - kept)
        guard kept > 0 else { return }
        // Asks to be woken, then looks again: the log may have come so far just before it could see that this loop waits.
        waitsForLog.store(true, ordering: .sequentiallyConsistent)
        if log.durableLSN >= lowest { wakeFromLog() }
    }

    /// Any thread: the log has come further.
    func wakeFromLog() {
        if waitsForLog.exchange(false, ordering: .sequentiallyConsistent) { eventLoop.execute(releaseTask) }
    }

    func releaseFromLog() {
        release()
        letOthersGoFirst()
        if !credited.isEmpty { scheduleSettle() }
    }

    /// Output that came outside of any connection's own input.
    func touch(_ connection: Connection) {
        if !connection.isTouched {
            connection.isTouched = true
            touched.append(connection)
        }
    }

    // MARK: Left-over input

    /// Takes the connection's input up again when the other connections have been heard.
    func continueLater(_ connection: Connection) {
        if connection.isRunnable { return }
        connection.isRunnable = true
        runnable.append(connection)
    }

    /// Takes the connection's input up again in the next turn: what it waited for has come.
    func continueSoon(_ connection: Connection) {
        continueLater(connection)
        if resumeIsScheduled { return }
        resumeIsScheduled = true
        // Behind the end of this turn, so in the next one.
        eventLoop.execute { [self] in resumeRunnable() }
    }

    /// Work left over waits for a moment: an event loop looks at its sockets only when it has no task to run, so a task for the left-over
    /// work would keep all others waiting until everything of it is done. Called when a turn is over: a commit may take longer than the moment.
    private func letOthersGoFirst() {
        if runnable.isEmpty || resumeIsScheduled { return }
        resumeIsScheduled = true
        eventLoop.scheduleTask(in: .microseconds(Loop.yieldMicros)) { [self] in resumeRunnable() }
    }
    private static let yieldMicros: Int64 = 50

    private func resumeRunnable() {
        resumeIsScheduled = false
        enter()
        var ready: [Connection] = []
        swap(&ready, &runnable)
        for connection in ready {
            connection.isRunnable = false
            connection.hasHadItsTurn = false
            connection.processCarry()
        }
    }

    // MARK: Other loops

    /// Puts a message for a loop into this turn's parcel. A loop writes to itself, too: then the message comes when the records it
    /// rests on have their LSNs. With one loop LSNs are known beforehand, and the message is taken at once.
    func send(_ message: Message, to loop: Int) {
        if count == 1 {
            handle(message, parcel: Parcel(from: index, sealedLSN: 0, lastLSN: lastLSN, registryNumber: registry.number))
        } else {
            outbox[loop].messages.append(message)
        }
    }

    private func handOver(sealed: UInt64, base: UInt64, last: UInt64) {
        for loop in 0..<count where !outbox[loop].messages.isEmpty {
            var parcel = Parcel(from: index)
            swap(&parcel, &outbox[loop])
            parcel.sealedLSN = sealed
            parcel.baseLSN = base
            parcel.lastLSN = last
            parcel.registryNumber = registry.number
            let receiver = service.loops[loop]
            // One wake-up per loop and turn at most, and none while the last one is still under way.
            if receiver.mailbox.put(parcel) { receiver.eventLoop.execute { receiver.takeMail() } }
        }
    }

    func takeMail() {
        enter()
        for parcel in mailbox.take() { open(parcel) }
    }
}
