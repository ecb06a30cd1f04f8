import NIOCore
import SimulatorModel

// Connections: bytes arrive when the world says so, in whatever pieces.

extension World {
    func connect(_ client: SimulatedClient) {
        guard let life, client.link == nil else { return }
        lastConnection += 1
        let loop = life.loops[random.next(below: life.loops.count)]
        let number = lastConnection
        let channel = SimulatedChannel(
            number: lastConnection, loop: loop, sendRoom: swarm.sendRoom, highMark: swarm.highMark
        ) { [unowned self, unowned client] bytes in
            // What is sent to a client that has gone reaches nobody.
            if let link = client.link, link.number == number { leave(bytes, client, link) }
        }
        let link = SimulatedClient.Link(number: lastConnection, channel: channel)
        client.link = link
        life.channels.append(channel)
        trace.note("connects", "", client.index, lastConnection)
        trace.count("connections")
        client.trader.connected()
        on(loop) {
            do { try life.service.adopt(channel) } catch { fail("a connection is not taken on: \(error)") }
            channel.activate()
        }
    }

    /// Runs as the loop's thread.
    func on(_ loop: SimulatedLoop, _ body: () -> Void) {
        let who = trace.who
        trace.who = "loop \(loop.index)"
        atWork.append(.loop(loop.index))
        loop.perform(body)
        atWork.removeLast()
        trace.who = who
    }

    /// Bytes leave the service: what they say must be true by now.
    private func leave(_ bytes: ByteBuffer, _ client: SimulatedClient, _ link: SimulatedClient.Link) {
        // A process that is gone says nothing any more.
        guard !disk.isDead else { return }
        let durable = follow()
        bytes.withUnsafeReadableBytes { raw in
            link.toClient.append(contentsOf: raw)
            for byte in raw {
                if byte == UInt8(ascii: "\n") {
                    left(String(decoding: link.leaving, as: UTF8.self), client, link, durable: link.leaving.isEmpty ? durable : link.leavingSince)
                    link.leaving.removeAll(keepingCapacity: true)
                } else {
                    if link.leaving.isEmpty { link.leavingSince = durable }
                    link.leaving.append(byte)
                }
            }
        }
    }

    /// Returns whether something moved.
    func moveToService(_ link: SimulatedClient.Link, _ client: SimulatedClient, all: Bool) -> Bool {
        if link.channel.hasClosed { return false }
        if link.toService.isEmpty {
            if link.hasHalfClosed { link.channel.endInput() }
            return false
        }
        let count = all ? link.toService.count : random.next(in: 1...min(link.toService.count, random.pick([1, 30, 500, 100_000])))
        link.channel.arrive(link.toService[..<count])
        link.toService.removeFirst(count)
        return true
    }

    func moveToClient(_ link: SimulatedClient.Link, _ client: SimulatedClient, all: Bool) -> Bool {
        if !link.toClient.isEmpty, !client.isStalled {
            let count = all ? link.toClient.count : random.next(in: 1...min(link.toClient.count, random.pick([1, 30, 500, 100_000])))
            let bytes = Array(link.toClient[..<count])
            link.toClient.removeFirst(count)
            for byte in bytes {
                if byte == UInt8(ascii: "\n") {
                    client.trader.received(String(decoding: link.partial, as: UTF8.self))
                    link.partial.removeAll(keepingCapacity: true)
                } else {
                    link.partial.append(byte)
                }
            }
            if !link.channel.hasClosed { on(link.channel.loop) { link.channel.makeRoom(count) } }
            return true
        }
        // All is read, and the service has closed its side.
        if link.toClient.isEmpty, link.channel.hasClosed || link.channel.outputIsClosed, client.link === link {
            if !link.channel.hasClosed { on(link.channel.loop) { link.channel.endInput() } }
            disconnect(client)
            return true
        }
        return false
    }

    func disconnect(_ client: SimulatedClient) {
        guard let link = client.link else { return }
        trace.note("is disconnected", "", client.index, link.number)
        client.link = nil
        client.isStalled = false
        auditor.disconnected(client: client.index, connection: link.number)
        client.trader.disconnected()
    }

    /// The connection breaks: some of what was on its way still arrives.
    func reset(_ client: SimulatedClient) {
        guard let link = client.link else { return }
        trace.note("reset", "", client.index, link.number)
        trace.count("resets")
        if random.chance(0.5) { _ = moveToService(link, client, all: false) }
        disconnect(client)
        if random.chance(0.6) {
            // The service does not know yet, and still does what it has been sent, while the client may be back on another connection.
            ghosts.append(link.channel)
        } else {
            on(link.channel.loop) { link.channel.reset() }
        }
    }

    /// The service hears of clients that have gone.
    func layGhosts(all: Bool) {
        let laid = ghosts.filter { _ in all || random.chance(0.5) }
        ghosts.removeAll { ghost in laid.contains { $0 === ghost } }
        for ghost in laid { on(ghost.loop) { ghost.reset() } }
    }
}
