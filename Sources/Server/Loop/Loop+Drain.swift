import NIOCore

// The end of the service: what was received is answered, then the connections are closed.

extension Loop {
    func beginDrain() {
        enter()
        // What was read in before counts as received.
        for connection in connections { connection?.processCarry() }
        isDraining = true
        for connection in connections { connection?.append(information: "DRAINING") }
    }

    /// Whether nothing is under way any more.
    var isQuiet: Bool {
        !inTurn && runnable.isEmpty && waiting.isEmpty && transferWaiters.isEmpty && gatherings.isEmpty && definitions.isEmpty && houses.isEmpty
            && credited.isEmpty && deferred.isEmpty && connections.allSatisfy { $0?.isQuiet ?? true }
    }

    func sayGoodbye() {
        enter()
        for connection in connections { connection?.end(reason: "shutdown") }
    }

    /// After the end: breaks the rings of what holds each other.
    func letGo() {
        connections.removeAll()
        waiting.removeAll()
        touched.removeAll()
        runnable.removeAll()
        ticker = nil
    }

    func cutConnections() {
        for connection in connections { connection?.cut() }
    }
}

extension Connection {
    var isQuiet: Bool { output.isEmpty && isSent && (pause == nil || isClosing) }
}
