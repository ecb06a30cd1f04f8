import Core
import NIOCore

// Requests that concern every shard: CXA, DMS and queries without a wallet. With one loop they are answered on the spot; otherwise each shard's
// loop does its share, and the parts are put together in the order of the wallets.

/// A request that spans shards of several loops, until all parts are there.
struct Gathering {
    var address: ReplyAddress
    /// Rows that need no shard.
    var head: ByteBuffer
    var parts: [ByteBuffer]
    var remaining: Int
    var count: Int64 = 0
    /// Rows of the whole answer; 0 for CXA and DMS.
    var limit: Int
    var rejection: Rejection?
    /// The order that a query named.
    var about = AnswerWriter.About.nothing
    /// Of DMS.
    var deadline: Timestamp?
    var lastLSN: UInt64 = 0
    /// BOOK: the answer says after which change its rows are so.
    var tellsLSN = false
    var toldLSN: UInt64 = 0
    /// Where it counts in the metrics.
    var row: Int
}

extension Loop {
    /// Wallets there are; shard 0 is there before its wallet.
    var walletCount: Int { registry.wallets.count }

    func startGathering(
        _ work: PartRequest.Work, _ address: ReplyAddress, wallets: ClosedRange<Int>, session: UInt64, head: ByteBuffer = ByteBuffer()
    ) {
        lastGathering += 1
        var limit = 0
        var tellsLSN = false
        switch work {
        case .cancelAll, .deadMan: break
        case .query(let query):
            limit = query.limit
            tellsLSN = query.kind == .book
        case .status, .sessions: limit = .max
        }
        gatherings[lastGathering] = Gathering(
            address: address, head: head, parts: Array(repeating: ByteBuffer(), count: wallets.count),
            remaining: wallets.count, limit: limit, tellsLSN: tellsLSN, row: row)
        if case .query(let query) = work { gatherings[lastGathering]!.about = AnswerWriter.About(query) }
        if case .deadMan(let set) = work { gatherings[lastGathering]!.deadline = set.deadline }
        for wallet in wallets {
            send(
                .part(
                    PartRequest(
                        gathering: lastGathering, index: wallet - wallets.lowerBound, loop: index, tag: address.tag, wallet: WalletID(wallet),
                        work: work, session: session)),
                to: Loop.index(of: WalletID(wallet), count: count))
        }
    }

    func executePart(_ request: PartRequest) {
        let recorded = batch.recordCount
        let start = outbox[request.loop].text.writerIndex
        var part = PartAnswer(gathering: request.gathering, index: request.index, count: 0, start: start, end: start, changed: false)
        switch request.work {
        case .cancelAll(let cancelAll):
            switch execute(.cancelAll(cancelAll), wallet: request.wallet, session: request.session) {
            case .canceled(let count): part.count = count
            case .rejected(let rejection): part.rejection = rejection
            default: invariantFailure("a cancel-all with another command's outcome")
            }
        case .deadMan(let set):
            if case .rejected(let rejection) = execute(.deadMan(set), wallet: request.wallet, session: request.session) { part.rejection = rejection }
        case .status(let hash):
            writeStatus(of: request.wallet, hash: hash, tag: request.tag, into: &edgeText)
            part.count = 1
            takeEdgeText(&part, for: request.loop)
        case .sessions:
            part.count = Int64(writeSessions(tag: request.tag, into: &edgeText))
            takeEdgeText(&part, for: request.loop)
        case .query(let query):
            var rows = 0
            part.rejection = QueryWriter.write(
                query, shard: box(request.wallet).shard, now: now, tag: request.tag, rows: &rows, into: &edgeText)
            part.count = Int64(rows)
            takeEdgeText(&part, for: request.loop)
        }
        part.changed = batch.recordCount > recorded
        part.records = batch.recordCount
        outbox[request.loop].messages.append(.partDone(part))
    }

    private func takeEdgeText(_ part: inout PartAnswer, for loop: Int) {
        edgeText.withUnsafeBytes { _ = outbox[loop].text.writeBytes($0) }
        edgeText.removeAll()
        part.end = outbox[loop].text.writerIndex
    }

    func gather(_ part: PartAnswer, parcel: Parcel) {
        guard var gathering = gatherings.removeValue(forKey: part.gathering) else { invariantFailure("a part of nothing") }
        gathering.parts[part.index] = parcel.text.getSlice(at: part.start, length: part.end - part.start) ?? ByteBuffer()
        gathering.remaining -= 1
        gathering.count += part.count
        if part.rejection != nil, gathering.rejection == nil { gathering.rejection = part.rejection }
        // Not the end of the turn: the shard may have recorded more in it.
        gathering.toldLSN = max(gathering.toldLSN, parcel.baseLSN + UInt64(part.records))
        if part.changed { gathering.lastLSN = max(gathering.lastLSN, parcel.lastLSN) }
        if gathering.remaining > 0 {
            gatherings[part.gathering] = gathering
        } else {
            finish(gathering)
        }
    }

    private func finish(_ gathering: Gathering) {
        let tag = gathering.address.tag
        if let rejection = gathering.rejection, gathering.count == 0 {
            metrics.refused(gathering.row, rejection.code)
            AnswerWriter.write(rejection, tag: tag, about: gathering.about, registry: registry, into: &edgeText)
        } else if let deadline = gathering.deadline {
            metrics.done(gathering.row)
            AnswerWriter.deadMan(deadline, tag: tag, lsn: Int64(gathering.lastLSN), into: &edgeText)
        } else if gathering.limit == 0 {
            metrics.done(gathering.row)
            AnswerWriter.canceled(gathering.count, tag: tag, lsn: Int64(gathering.lastLSN), into: &edgeText)
        } else {
            metrics.done(gathering.row)
            var rows = 0
            appendRows(gathering.head, &rows, limit: gathering.limit)
            for part in gathering.parts { appendRows(part, &rows, limit: gathering.limit) }
            AnswerWriter.end(rows: rows, tag: tag, lsn: gathering.tellsLSN ? Int64(gathering.toldLSN) : 0, into: &edgeText)
        }
        answerLaterWithEdgeText(gathering.address)
    }

    /// Each shard has written up to the whole answer's limit of rows.
    private func appendRows(_ part: ByteBuffer, _ rows: inout Int, limit: Int) {
        part.withUnsafeReadableBytes { bytes in
            var end = 0
            while end < bytes.count, rows < limit {
                let rest = UnsafeRawBufferPointer(rebasing: bytes[end...])
                end += (rest.firstNewline ?? rest.count - 1) + 1
                rows += 1
            }
            edgeText.append(bytes: UnsafeRawBufferPointer(rebasing: bytes[0..<end]))
        }
    }

    /// Cancels what a session entered with cancel-on-disconnect in this loop's shards.
    func cancelOrders(ofSession session: UInt64) {
        for box in shards {
            _ = execute(
                .cancelAll(CancelAll(account: 0, reason: .disconnect, session: session)), wallet: box.number, session: session)
        }
    }
}
