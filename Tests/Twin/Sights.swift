import Core

/// What the random tests must have seen, each.
package enum Sight: Int, CaseIterable {
    case makerDone, takerDone, bothDone, tradeOfSlice, icebergSlice, priceImprovement, positionFlipped, rebate
    case selfNewest, selfOldest, selfBoth, selfDecrementMakerGone, selfDecrementTakerGone, selfDecrementBothGone
    case reduceOnlyTakerGone, reduceOnlyMakerGone, reduceOnlyTakerCut, reduceOnlyMakerCut
    case fundsNone, fundsPart, overflowMaker, overflowTaker
    case ocoByMakerTrade, ocoByTakerTrade, ocoByDecrement, ocoByTrigger, ocoByCancel, ocoByCancelOfArmed, ocoByExpiry
    case secondLegHoldsMore, secondLegHoldsNothing
    case stopBuyLast, stopSaleLast, takeBuyLast, takeSaleLast, stopBuyMark, stopSaleMark, takeBuyMark, takeSaleMark
    case cascadeOfTwo, cascadeOfFour, triggersAtOnePrice, triggersAtMorePrices
    case triggeredMarket, triggeredLimitDone, triggeredLimitPart, triggeredLimitRests
    case fokFilled, fokLegLeftOut, fokStoppedByOwn, fokStoppedByMax, iocPart, postRests, marketIntoEmptyBook
    case replaceFills, replaceOfArmed, replaceMovesStop, replaceTakes, replaceLosesPlace, replaceKeepsPlace, replaceKeepsPlaceOfIceberg
    case expiredResting, expiredArmed, forgotten
    /// May be, need not.
    case fokEndedByOverflow
    /// Must not be.
    case never
}

extension Twin {
    package func saw(_ sight: Sight) { sights[sight.rawValue] += 1 }

    package func sawTrigger(_ order: TwinOrder) {
        let isStop = order.new.instructions.trigger == .stop
        if order.new.instructions.triggerPrice == .last {
            saw(order.side == .buy ? (isStop ? .stopBuyLast : .takeBuyLast) : isStop ? .stopSaleLast : .takeSaleLast)
        } else {
            saw(order.side == .buy ? (isStop ? .stopBuyMark : .takeBuyMark) : isStop ? .stopSaleMark : .takeSaleMark)
        }
    }
}

/// The code of a refusal, without its facts.
package func code(_ rejection: Rejection) -> StaticString {
    switch rejection {
    case .unknownAccount: "unknownAccount"
    case .unknownAsset: "unknownAsset"
    case .unknownWallet: "unknownWallet"
    case .unknownInstrument: "unknownInstrument"
    case .unknownOrder: "unknownOrder"
    case .accountSuspended: "accountSuspended"
    case .instrumentHalted: "instrumentHalted"
    case .instrumentPostOnly: "instrumentPostOnly"
    case .instrumentCancelOnly: "instrumentCancelOnly"
    case .unfillable: "unfillable"
    case .wouldTake: "wouldTake"
    case .wouldTrigger: "wouldTrigger"
    case .reduceOnly: "reduceOnly"
    case .badPair: "badPair"
    case .inPair: "inPair"
    case .offTick: "offTick"
    case .offLot: "offLot"
    case .quantityOutOfBounds: "quantityOutOfBounds"
    case .notionalTooSmall: "notionalTooSmall"
    case .noMark: "noMark"
    case .alreadyExpired: "alreadyExpired"
    case .tooLate: "tooLate"
    case .orderClosed: "orderClosed"
    case .belowCumulative: "belowCumulative"
    case .overfill: "overfill"
    case .beyondLimit: "beyondLimit"
    case .noPosition: "noPosition"
    case .positionExists: "positionExists"
    case .insufficientFunds: "insufficientFunds"
    case .insufficientHeld: "insufficientHeld"
    case .limitDisabled: "limitDisabled"
    case .limitQuantity: "limitQuantity"
    case .limitNotional: "limitNotional"
    case .limitPosition: "limitPosition"
    case .limitOpenOrders: "limitOpenOrders"
    case .limitPriceBand: "limitPriceBand"
    case .limitOrderRate: "limitOrderRate"
    case .limitCancelRate: "limitCancelRate"
    case .limitDailyLoss: "limitDailyLoss"
    case .limitShort: "limitShort"
    case .limitNotListed: "limitNotListed"
    case .idReused: "idReused"
    case .overflow(let what):
        switch what {
        case .notional: "overflow notional"
        case .reserve: "overflow reserve"
        case .position: "overflow position"
        case .balance: "overflow balance"
        default: "overflow"
        }
    case .badValue(let key):
        switch key {
        case .stop: "badValue stop"
        case .trigger: "badValue trigger"
        case .display: "badValue display"
        case .post: "badValue post"
        case .oco: "badValue oco"
        case .quantity: "badValue quantity"
        case .price: "badValue price"
        case .max: "badValue max"
        case .expire: "badValue expire"
        case .makerFee: "badValue makerFee"
        case .takerFee: "badValue takerFee"
        default: "badValue"
        }
    case .notSupported(let what): what == .instructions ? "notSupported instructions" : "notSupported"
    default: "other"
    }
}

/// Of a whole run.
package struct Coverage {
    package var sights = [Int](repeating: 0, count: Sight.allCases.count)
    package var reasons: [UInt8: Int] = [:]
    package var refusals: [String: Int] = [:]
    package var commands = 0
    package var trades = 0

    package init() {}

    package mutating func add(_ twin: Twin) {
        for index in sights.indices { sights[index] += twin.sights[index] }
        reasons.merge(twin.reasons) { $0 + $1 }
        trades += Int(twin.lastTrade)
    }

    package mutating func add(_ other: Coverage) {
        for index in sights.indices { sights[index] += other.sights[index] }
        reasons.merge(other.reasons) { $0 + $1 }
        refusals.merge(other.refusals) { $0 + $1 }
        commands += other.commands
        trades += other.trades
    }

    package static let refusalsWanted = [
        "unknownOrder", "accountSuspended", "instrumentHalted", "instrumentPostOnly", "instrumentCancelOnly", "unfillable", "wouldTake",
        "wouldTrigger", "reduceOnly", "badPair", "inPair", "offTick", "offLot", "quantityOutOfBounds", "notionalTooSmall", "noMark",
        "alreadyExpired", "tooLate", "orderClosed", "belowCumulative", "overfill", "noPosition", "positionExists", "insufficientFunds",
        "insufficientHeld", "limitDisabled", "limitQuantity", "limitNotional", "limitPosition", "limitOpenOrders", "idReused",
        "overflow notional", "badValue stop", "badValue trigger", "badValue display", "badValue post", "badValue oco", "badValue quantity",
        "badValue price", "badValue max", "badValue expire", "badValue makerFee", "badValue takerFee", "notSupported instructions",
    ]
    package static let reasonsWanted: [CancelReason] = [.requested, .all, .suspended, .disconnect, .unfilled, .funds, .selfTrade, .reduceOnly, .oco, .overflow]

    /// What was not seen though it should, or seen though it should not.
    package var gaps: [String] {
        var gaps: [String] = []
        for sight in Sight.allCases where sight != .fokEndedByOverflow {
            if (sights[sight.rawValue] == 0) != (sight == .never) { gaps.append("\(sight)") }
        }
        gaps += Coverage.refusalsWanted.filter { refusals[$0] == nil }
        gaps += Coverage.reasonsWanted.filter { reasons[$0.rawValue] == nil }.map { "reason \($0)" }
        return gaps
    }

    package var text: String {
        let seen = Sight.allCases.map { "\($0)=\(sights[$0.rawValue])" }
        let refused = refusals.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        let reasons = reasons.sorted { $0.key < $1.key }.map { "\(CancelReason(rawValue: $0.key)!)=\($0.value)" }
        return "\(commands) commands, \(trades) trades\nseen: \(seen.joined(separator: " "))\nrefused: \(refused.joined(separator: " "))\n"
            + "cancelled: \(reasons.joined(separator: " "))"
    }
}
