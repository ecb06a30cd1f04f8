/// What a run found.
public struct LoadResult: Sendable {
    /// Length of the measured part.
    public var seconds = 0.0
    /// Answers in the measured part: done and refused.
    public var answered = 0
    /// Of the whole run, warm-up and end included.
    public var sentInAll = 0
    public var answeredInAll = 0
    /// By reason, of the whole run.
    public var refusals: [String: Int] = [:]
    /// Of what was answered in the measured part. Closed loop: from the send. Open loop: from the moment it was due, however late it was sent.
    public var latencies = Latencies()
    /// Open loop: from the send.
    public var fromSend = Latencies()
    /// Open loop: from the moment due to the send. Tells whether the client kept up.
    public var sendDelay = Latencies()
    public var series: [Series.Interval] = []
    /// Open loop, of the whole run: what was not sent because a bound was reached.
    public var turnedAway = 0
    public var waitingMax = 0
    /// Processor time of this client, user and system, per answer of the whole run.
    public var clientNanosecondsPerAnswer = 0.0

    public var perSecond: Double { seconds > 0 ? Double(answered) / seconds : 0 }
    public var refused: Int { refusals.values.reduce(0, +) }

    /// Everything sent was answered, nothing refused; else what was.
    public var fault: String? {
        if sentInAll != answeredInAll { return "\(sentInAll) sent, \(answeredInAll) answered" }
        if refused > 0 { return "refused: " + refusals.sorted { $0.value > $1.value }.prefix(3).map { "\($0.key) \($0.value)" }.joined(separator: ", ") }
        return nil
    }
}
