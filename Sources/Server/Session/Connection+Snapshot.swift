import Core

// SNP: a snapshot is made off the loop; what the connection sends after it is taken meanwhile, and answered after it.

extension Connection {
    func answerSnapshot(tag: Text) {
        let address = makeHole(tag)
        let loop = loop
        loop.service.snapshots.request { answer in
            loop.eventLoop.execute {
                loop.enter()
                loop.answerSnapshot(answer, address)
            }
        }
    }
}

extension Loop {
    fileprivate func answerSnapshot(_ answer: SnapshotKeeper.Answer, _ address: ReplyAddress) {
        switch answer {
        case .made(let report):
            AnswerWriter.begin(address.tag, &edgeText)
            edgeText.append(
                string: "OK snapshot=\(report.lsn) orders=\(report.orders) bytes=\(report.bytes) ms=\(report.microseconds / 1_000) retired=\(report.segmentsRetired)\n")
        case .present(let lsn):
            AnswerWriter.begin(address.tag, &edgeText)
            edgeText.append(string: "OK snapshot=\(lsn) dup=1\n")
        case .failed(let refusal):
            metrics.refused(LoopMetrics.row(.snapshot), refusal.code)
            AnswerWriter.write(refusal, tag: address.tag, into: &edgeText)
            return answerLaterWithEdgeText(address)
        }
        metrics.done(LoopMetrics.row(.snapshot))
        answerLaterWithEdgeText(address)
    }
}
