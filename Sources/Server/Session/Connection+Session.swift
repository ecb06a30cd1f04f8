import Core
import NIOCore
import WAL

// What the session itself answers: greeting, PING, TIME, SYNC, HELP, STAT, QUIT. AUTH is in Connection+Auth.swift, SUB in
// Connection+Subscription.swift.

extension Connection {
    static let protocolVersion = 1

    func greet() {
        append(
            information: "CASHUP \(Connection.protocolVersion)",
            [
                ("lsn", String(loop.log.durableLSN)), ("auth", loop.service.auth.rawValue), ("maxline", String(LineParser.lineMax)),
                ("state", loop.isDraining ? "draining" : "ready"),
            ])
    }

    func take(_ verb: SessionVerb, tag: Text, line: UnsafeRawBufferPointer) {
        switch verb {
        case .authenticate, .subscribe, .subscribeMarket, .unsubscribe, .unsubscribeMarket, .status, .snapshot: break
        default: loop.metrics.done(loop.row)
        }
        switch verb {
        case .ping:
            AnswerWriter.ok(tag: tag, into: &loop.scratch)
        case .time:
            AnswerWriter.begin(tag, &loop.scratch)
            loop.scratch.append("OK time=")
            loop.scratch.append(loop.now / 1_000)
            loop.scratch.append(UInt8(ascii: "\n"))
        case .sync:
            flushScratch()
            pause = .sync(tag: tag)
            loop.touch(self)
        case .help(let about):
            Help.write(about, tag: tag, into: &loop.scratch)
        case .status(let hash):
            answerStatus(hash: hash, tag: tag)
        case .sessions:
            answerSessions(tag: tag)
        case .snapshot:
            answerSnapshot(tag: tag)
        case .quit:
            AnswerWriter.ok(tag: tag, into: &loop.scratch)
            flushScratch()
            endSilently()
        case .authenticate(let authentication):
            authenticate(authentication, tag: tag, line: line)
        case .subscribe(let request):
            subscribe(request, tag: tag)
        case .subscribeMarket(let request):
            subscribe(request, tag: tag)
        case .unsubscribe:
            unsubscribe(tag: tag)
        case .unsubscribeMarket(let request):
            unsubscribe(request, tag: tag)
        }
    }

    /// Everything before SYNC has left, so it is durable.
    func answerSync(_ tag: Text, durable: UInt64) {
        loop.enter()
        pause = nil
        loop.edgeText.removeAll()
        AnswerWriter.begin(tag, &loop.edgeText)
        loop.edgeText.append("OK lsn=")
        loop.edgeText.append(Int64(durable))
        loop.edgeText.append(UInt8(ascii: "\n"))
        takeEdgeText()
        resume()
    }

    /// `* KIND key=value ...`
    func append(information kind: String, _ facts: [(String, String)] = []) {
        flushScratch()
        loop.edgeText.append(string: "* " + kind)
        for (key, value) in facts { loop.edgeText.append(string: " \(key)=\(value)") }
        loop.edgeText.append(UInt8(ascii: "\n"))
        takeEdgeText()
    }

    /// Puts what a loop has written aside for this connection into its output.
    func takeEdgeText(dependsOnState: Bool = false) {
        loop.edgeText.withUnsafeBytes { bytes in output.append(dependsOnState: dependsOnState) { $0.writeBytes(bytes) } }
        loop.edgeText.removeAll()
        loop.touch(self)
    }

    // MARK: STAT

    private func answerStatus(hash: Bool, tag: Text) {
        let service = loop.service
        let head =
            "=\(tag.string) service lsn=\(loop.batch.recordCount > 0 ? loop.lastLSN : loop.log.sealedLSN) durable=\(loop.log.durableLSN) epoch=\(loop.log.epoch) loops=\(loop.count) "
            + "connections=\(service.connectionCount) sessions=\(service.sessionCount) "
            + "uptime=\((service.clock.monotonic() - service.startedMonotonic) / 1_000_000) storage=\(loop.log.storage) "
            + "time=\(loop.now / 1_000)\n"
        if loop.count > 1, loop.walletCount > 0 {
            return gather(.status(hash: hash), tag: tag, wallets: 0...(loop.walletCount - 1), head: ByteBuffer(string: head))
        }
        loop.metrics.done(loop.row)
        loop.scratch.append(string: head)
        for wallet in 0..<loop.walletCount {
            loop.writeStatus(of: WalletID(wallet), hash: hash, tag: tag, into: &loop.scratch)
        }
        AnswerWriter.end(rows: 1 + loop.walletCount, tag: tag, into: &loop.scratch)
        scratchDependsOnState = true
        if hash { hasHadItsTurn = true }
    }
}

// MARK: SES

extension Connection {
    private func answerSessions(tag: Text) {
        // A part per loop.
        if loop.count > 1 { return gather(.sessions, tag: tag, wallets: 0...(loop.count - 1)) }
        let rows = loop.writeSessions(tag: tag, into: &loop.scratch)
        AnswerWriter.end(rows: rows, tag: tag, into: &loop.scratch)
        scratchDependsOnState = true
    }

    /// The row of SES.
    func writeSession(tag: Text, into out: inout OutputBuffer) {
        QueryWriter.begin(tag, &out)
        out.append(Int64(bitPattern: session.number))
        if session.isAuthenticated {
            out.append(string: " sub=\(TextValue.escaped(session.subject)) roles=\(session.roles)")
            let accounts = session.grant.accounts.map { $0.map(String.init).joined(separator: ",") } ?? "*"
            out.append(string: " accounts=\(accounts)")
        }
        out.append(string: " peer=\(session.peer)")
        if !session.name.isEmpty { out.fact("name", session.name) }
        out.fact("opened", milliseconds: openedAt)
        out.fact("heard", milliseconds: lastHeard)
        if session.expires != 0 { out.fact("expires", milliseconds: session.expires) }
        out.fact("inflight", Int64(output.commandsInFlight))
        out.fact("unsent", Int64(output.bytes + (unsentBytes ?? 0)))
        out.fact("subscribed", Int64(isSubscribed ? 1 : 0))
        out.fact("cod", Int64(session.cancelOnDisconnect ? 1 : 0))
        out.fact("loop", Int64(loop.index))
        out.append(UInt8(ascii: "\n"))
    }
}

extension Loop {
    /// A row per connection of this loop that has not ended; returns how many.
    func writeSessions(tag: Text, into out: inout OutputBuffer) -> Int {
        var rows = 0
        for connection in connections {
            guard let connection, !connection.hasLeft else { continue }
            connection.writeSession(tag: tag, into: &out)
            rows += 1
        }
        return rows
    }

    func writeStatus(of wallet: WalletID, hash: Bool, tag: Text, into out: inout OutputBuffer) {
        let box = box(wallet)
        let counts = box.shard.counts
        var row =
            "=\(tag.string) wallet \(registry.wallets[Int(wallet)].name.string) loop=\(index) accounts=\(registry.accounts.count) "
            + "open_orders=\(counts.openOrders) remembered=\(counts.remembered) trades=\(counts.trades) "
            + "balances=\(counts.balances) positions=\(counts.positions)"
        if hash {
            for (key, value) in [("hash", box.shard.stateHash()), ("content", box.shard.stateHash(times: false))] {
                let text = String(value, radix: 16)
                row += " \(key)=" + String(repeating: "0", count: 16 - text.count) + text
            }
        }
        out.append(string: row + "\n")
    }
}
