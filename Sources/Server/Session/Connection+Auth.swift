import Core
import NIOCore
import WAL

// AUTH: who is there. The token is verified off the loop; the connection takes nothing further until its answer is there.

extension Connection {
    func authenticate(_ request: SessionVerb.Authentication, tag: Text, line: UnsafeRawBufferPointer) {
        let address = makeHole(tag)
        pause = .answer(ticket: address.ticket)
        authentication = address
        guard let verifier = loop.service.verifier else {
            // auth=off: the verb only names the session.
            return enterSession(request, address)
        }
        guard request.hasToken else { return refuse(address, .badToken(reason: "missing")) }
        let token = String(decoding: line[request.tokenStart..<request.tokenEnd], as: UTF8.self)
        let loop = loop
        let id = id
        Task {
            let verified = await verifier.verify(token, now: loop.clock.now())
            loop.eventLoop.execute {
                loop.enter()
                loop.connection(id)?.tokenVerified(verified, request, address)
            }
        }
    }

    private func refuse(_ address: ReplyAddress, _ refusal: Refusal) {
        authentication = nil
        loop.metrics.refused(LoopMetrics.row(.auth), refusal.code)
        AnswerWriter.write(refusal, tag: address.tag, into: &loop.edgeText)
        loop.answerLaterWithEdgeText(address)
    }

    /// A session of the same name has come while this one's AUTH waits, perhaps for that very session: it is answered now, so that of two
    /// that replace each other none waits for ever.
    func abandonAuthentication() {
        if let address = authentication { refuse(address, .badToken(reason: "session_ended")) }
    }

    private func tokenVerified(
        _ verified: Result<VerifiedToken, Refusal>, _ request: SessionVerb.Authentication, _ address: ReplyAddress
    ) {
        // Abandoned: answered already.
        guard authentication?.ticket == address.ticket else { return }
        // Ended meanwhile: nothing to enter, but the place in the output is owed.
        if case .ended? = pause { return refuse(address, .badToken(reason: "session_ended")) }
        switch verified {
        case .failure(let refusal):
            refuse(address, refusal)
        case .success(let token):
            if session.isAuthenticated, session.subject != token.claims.sub {
                return refuse(address, .badToken(reason: "other_subject"))
            }
            take(token.grant)
            session.subject = token.claims.sub
            session.roles = token.claims.roleNames
            session.expires = token.expires
            session.saidExpired = false
            enterSession(request, address)
        }
    }

    /// The new token's grant. A subscription to accounts the session may no longer see, or not only these, ends.
    private func take(_ grant: Grant) {
        let visible = session.grant.visible
        session.grant = grant
        guard let subscription, grant.visible != visible else { return }
        subscription.end()
        self.subscription = nil
        append(information: "UNSUBSCRIBED", [("reason", "auth")])
    }

    private func enterSession(_ request: SessionVerb.Authentication, _ address: ReplyAddress) {
        if session.number == 0 { session.number = loop.service.nextSession() }
        session.isAuthenticated = true
        if request.heartbeatSeconds > 0 { session.heartbeatSeconds = request.heartbeatSeconds }
        if request.cancelOnDisconnect { session.cancelOnDisconnect = true }
        var old: SessionNames.Holder?
        if !request.session.isEmpty, request.session != session.name {
            if let key = nameKey { loop.service.names.release(key, holder) }
            session.name = request.session
        }
        if !request.session.isEmpty, let key = nameKey { old = loop.service.names.claim(key, holder) }
        register()
        if let old {
            // The answer leaves when the old session's commands are decided.
            loop.send(.replace(old.connection, by: address), to: old.loop)
        } else {
            predecessorGone(ticket: address.ticket, tag: address.tag)
        }
    }

    var holder: SessionNames.Holder { SessionNames.Holder(loop: loop.index, connection: id) }
    var nameKey: SessionNames.Key? {
        session.name.isEmpty ? nil : SessionNames.Key(subject: session.subject, name: session.name.string)
    }

    /// Makes the session known to the log, which says with each record who caused it.
    func register() {
        loop.log.register(
            SessionInfo(
                number: session.number, subject: session.subject, roles: session.roles, peer: session.peer,
                name: session.name.string, openedMicroseconds: loop.now))
    }

    /// AUTH is done: no other session of this name is left.
    func predecessorGone(ticket: UInt64, tag: Text) {
        guard authentication?.ticket == ticket else { return }
        authentication = nil
        loop.metrics.done(LoopMetrics.row(.auth))
        AnswerWriter.begin(tag, &loop.edgeText)
        loop.edgeText.append("OK")
        if loop.service.verifier != nil { loop.edgeText.append(string: " sub=\(TextValue.escaped(session.subject))") }
        loop.edgeText.append(string: " roles=\(session.roles)")
        let accounts = session.grant.accounts.map { $0.map(String.init).joined(separator: ",") } ?? "*"
        loop.edgeText.append(string: " accounts=\(accounts)")
        if !session.name.isEmpty {
            loop.edgeText.append(" session=")
            loop.edgeText.append(session.name)
        }
        if session.expires != 0 { loop.edgeText.append(string: " expires=\(session.expires / 1_000)") }
        loop.edgeText.append(UInt8(ascii: "\n"))
        loop.answerLaterWithEdgeText(ReplyAddress(loop: loop.index, connection: id, ticket: ticket, tag: tag))
    }
}

enum TextValue {
    /// As a value in a line: anything but printable ASCII as %XX.
    static func escaped(_ text: String) -> String {
        var out = ""
        for byte in text.utf8 {
            if byte > 0x20, byte < 0x7F, byte != UInt8(ascii: "%") {
                out.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                let hex = String(byte, radix: 16, uppercase: true)
                out += hex.count == 1 ? "%0\(hex)" : "%\(hex)"
            }
        }
        return out
    }
}
