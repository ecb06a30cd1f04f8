import Core

/// The options of NEW that only internal venues know. What they come to together is the shard's to judge; here they become values.
extension LineParser {
    @inline(__always)
    static func instructions(_ a: borrowing Arguments, _ registry: borrowing Registry, _ order: inout NewOrder) throws(Refusal) {
        order.instructions = Instructions()
        order.oco = Text()
        if !a.present.intersection(Verb.instructions).isEmpty { try given(a, registry, &order) }
    }

    @inline(never)
    private static func given(_ a: borrowing Arguments, _ registry: borrowing Registry, _ order: inout NewOrder) throws(Refusal) {
        let instrument = Int(order.instrument)
        var it = Instructions()
        if a.has(.stop) {
            it.stop = try a.positive(a.bytes(.stop), "stop", scale: registry.instruments[instrument].priceScale)
            it.trigger = try a.flag(.take) ? .takeProfit : .stop
            it.triggerPrice = try triggerPrice(a)
        } else if !a.present.intersection(KeySet(.take) | .trigger).isEmpty {
            throw .missingKey("stop")
        }
        if a.has(.display) {
            it.display = try a.positive(a.bytes(.display), "display", scale: registry.instruments[instrument].quantityScale)
        }
        it.postOnly = try a.flag(.post)
        it.reduceOnly = try a.flag(.reduce)
        if a.has(.stp) { it.selfTrade = try selfTrade(a) }
        order.instructions = it
        order.oco = try a.text(.oco)
    }

    private static func triggerPrice(_ a: borrowing Arguments) throws(Refusal) -> TriggerPrice {
        guard a.has(.trigger) else { return .last }
        let bytes = a.bytes(.trigger)
        if a.isWord(bytes, "last") { return .last }
        if a.isWord(bytes, "mark") { return .mark }
        throw .badValue(argument: "trigger", value: Text(cut: bytes), expected: "last|mark")
    }

    /// `stp=`, which is given.
    static func selfTrade(_ a: borrowing Arguments) throws(Refusal) -> SelfTradePrevention {
        let bytes = a.bytes(.stp)
        if a.isWord(bytes, "newest") { return .newest }
        if a.isWord(bytes, "oldest") { return .oldest }
        if a.isWord(bytes, "both") { return .both }
        if a.isWord(bytes, "decrement") { return .decrement }
        throw .badValue(argument: "stp", value: Text(cut: bytes), expected: "newest|oldest|both|decrement")
    }
}
