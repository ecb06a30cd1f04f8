import Core
import NIOCore
import WAL

// What happens by time alone: GTD expiry, heartbeats, idle and slow connections, the end of tokens, settling, watching the disk and the clock.

extension Loop {
    static let tickMilliseconds: Int64 = 250
    /// A connection that is to be closed and takes nothing is cut off after this.
    static let closingMicrosMax: Timestamp = 5_000_000
    /// And one that has been sent everything and does not close its side, after this.
    static let lingerMicrosMax: Timestamp = 1_000_000

    func startTimers() {
        ticker = eventLoop.scheduleRepeatedTask(
            initialDelay: .milliseconds(Loop.tickMilliseconds), delay: .milliseconds(Loop.tickMilliseconds)
        ) { [unowned self] _ in tick() }
        scheduleExpiry()
    }

    func stopTimers() {
        ticker?.cancel()
        ticker = nil
    }

    // MARK: GTD

    /// After each turn: one timer, at the earliest expiry of all shards here.
    func scheduleExpiry() {
        var earliest = Timestamp.max
        for box in shards { earliest = min(earliest, box.shard.nextExpiry) }
        guard earliest < scheduledExpiry else { return }
        scheduledExpiry = earliest
        let delay = max(0, earliest - service.clock.now())
        // A turn may have come first and done what the last one was for.
        expiryTimer?.cancel()
        expiryTimer = eventLoop.scheduleTask(in: .microseconds(min(delay + 500, Loop.expiryLookaheadMicrosMax))) { [weak self] in
            self?.expireDue()
        }
    }
    /// An hour: a timer far ahead would drift from the slewed clock.
    private static let expiryLookaheadMicrosMax: Int64 = 3_600_000_000
    /// No timer is set while this stands for the next expiry.
    static let expiryWaitsForTick = Timestamp.min

    func expireDue() {
        enter()
        // Below the last reserve nothing is written; each tick looks whether there is room again.
        if log.storage == .full {
            scheduledExpiry = Loop.expiryWaitsForTick
            return
        }
        scheduledExpiry = .max
        for box in shards where box.shard.nextExpiry <= now {
            _ = box.shard.expire(now: now, max: Loop.expiriesPerTurnMax) { record($0, shard: box.number, session: 0) }
        }
    }

    // MARK: Connections

    private func tick() {
        openOrders.store(shards.reduce(0) { $0 + $1.shard.counts.openOrders }, ordering: .relaxed)
        if index == 0 {
            service.watch()
            keepDayStart()
        }
        if scheduledExpiry == Loop.expiryWaitsForTick {
            scheduledExpiry = .max
            scheduleExpiry()
        }
        if connectionCount == 0 { return }
        enter()
        for connection in connections { connection?.tick() }
    }

    /// Loop 0, once a minute: where clocks were put forward or back, midnight is at another time of UTC.
    private func keepDayStart() {
        guard let start = service.dayStart else { return }
        let time = clock.now()
        let minute = time / 60_000_000
        if minute == dayStartMinute { return }
        dayStartMinute = minute
        let minutes = start.minutes(at: time)
        let definition = Definition.setting(.dayStartMinutes, minutes)
        if registry.setting(.dayStartMinutes) == minutes || log.storage != .ok || DataFormat.needed(by: definition) > log.format { return }
        enter()
        defineByItself(definition)
    }

    func forgetEndedSessions() {
        for number in endedSessions { log.forget(session: number) }
        endedSessions.removeAll(keepingCapacity: true)
    }

    /// The connection's session is over: its name is free, its orders go if it asked for that.
    func sessionEnds(_ connection: Connection) {
        let session = connection.session
        guard session.number != 0 else { return }
        if let key = connection.nameKey { service.names.release(key, connection.holder) }
        if session.cancelOnDisconnect {
            connection.cancelsUnderWay = count
            for loop in 0..<count {
                send(.cancelOrders(session: session.number, of: connection.id, loop: index), to: loop)
            }
        }
    }
}

extension Connection {
    /// Four times a second.
    func tick() {
        let now = loop.now
        let service = loop.service
        if isClosing {
            let most = isLingering ? Loop.lingerMicrosMax : Loop.closingMicrosMax
            if now - max(lastTaken, closingSince) > most { cut() }
            return
        }
        if session.heartbeatSeconds > 0, now - lastHeartbeat >= Timestamp(session.heartbeatSeconds) * 1_000_000 - 250_000 {
            lastHeartbeat = now
            let lsn = subscription == nil ? loop.log.durableLSN : position
            append(information: "HB", [("lsn", String(lsn)), ("time", String(now / 1_000))])
        }
        if isSubscribed { feed() }
        if session.expires != 0, now >= session.expires {
            if !session.saidExpired {
                session.saidExpired = true
                append(information: "EXPIRED", [("grace", String(service.config.tokenGraceSeconds))])
            } else if now >= session.expires + Timestamp(service.config.tokenGraceSeconds) * 1_000_000 {
                return end(reason: "token_expired")
            }
        }
        if output.bytes >= loop.unsentBytesMax, now - lastTaken > Timestamp(service.config.slowSeconds) * 1_000_000 {
            end(reason: "slow")
            return cut()
        }
        let idle = Timestamp(service.config.idleSeconds) * 1_000_000
        if idle > 0, now - lastHeard > idle, session.heartbeatSeconds == 0, !isSubscribed, output.isEmpty {
            end(reason: "idle")
        }
    }
}
