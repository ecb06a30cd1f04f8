/// Every code a `-` line can carry: the table of docs/PROTOCOL.md, section 10 (a test compares the two). Stable: never renamed, never
/// reused for something else.
public enum Code: UInt8, CaseIterable, BitwiseCopyable, Sendable {
    case badTag, lineTooLong, badCharacter, unknownVerb, missingArgument, extraArgument, missingKey, unknownKey, repeatedKey, badValue,
        badNumber, tooManyDecimals, numberTooLarge
    case authRequired, badToken, tokenExpired, forbidden, notSupported
    case unknownAccount, unknownAsset, unknownWallet, unknownVenue, unknownInstrument, unknownOrder, unknownSetting
    case accountSuspended, instrumentHalted, instrumentPostOnly, instrumentCancelOnly, unfillable, wouldTake, wouldTrigger, reduceOnly, badPair, inPair, offTick, offLot, quantityOutOfBounds, notionalTooSmall, noMark, alreadyExpired, tooLate,
        orderClosed, belowCumulative, overfill, beyondLimit, noPosition, positionExists
    case insufficientFunds, insufficientHeld, limitDisabled, limitQuantity, limitNotional, limitPosition, limitOpenOrders, limitPriceBand, limitOrderRate, limitCancelRate,
        limitDailyLoss, limitShort, limitNotListed
    case idReused, overflow, fixed, alreadyExists, tableFull
    case storageFull, alreadySubscribed, notSubscribed, logGone, busy, draining, snapshotFailed, upgradeNeeded

    public var name: StaticString {
        switch self {
        case .badTag: "BAD_TAG"
        case .lineTooLong: "LINE_TOO_LONG"
        case .badCharacter: "BAD_CHARACTER"
        case .unknownVerb: "UNKNOWN_VERB"
        case .missingArgument: "MISSING_ARGUMENT"
        case .extraArgument: "EXTRA_ARGUMENT"
        case .missingKey: "MISSING_KEY"
        case .unknownKey: "UNKNOWN_KEY"
        case .repeatedKey: "REPEATED_KEY"
        case .badValue: "BAD_VALUE"
        case .badNumber: "BAD_NUMBER"
        case .tooManyDecimals: "TOO_MANY_DECIMALS"
        case .numberTooLarge: "NUMBER_TOO_LARGE"
        case .authRequired: "AUTH_REQUIRED"
        case .badToken: "BAD_TOKEN"
        case .tokenExpired: "TOKEN_EXPIRED"
        case .forbidden: "FORBIDDEN"
        case .notSupported: "NOT_SUPPORTED"
        case .unknownAccount: "UNKNOWN_ACCOUNT"
        case .unknownAsset: "UNKNOWN_ASSET"
        case .unknownWallet: "UNKNOWN_WALLET"
        case .unknownVenue: "UNKNOWN_VENUE"
        case .unknownInstrument: "UNKNOWN_INSTRUMENT"
        case .unknownOrder: "UNKNOWN_ORDER"
        case .unknownSetting: "UNKNOWN_SETTING"
        case .accountSuspended: "ACCOUNT_SUSPENDED"
        case .instrumentHalted: "INSTRUMENT_HALTED"
        case .instrumentPostOnly: "INSTRUMENT_POST_ONLY"
        case .instrumentCancelOnly: "INSTRUMENT_CANCEL_ONLY"
        case .unfillable: "UNFILLABLE"
        case .wouldTake: "WOULD_TAKE"
        case .wouldTrigger: "WOULD_TRIGGER"
        case .reduceOnly: "REDUCE_ONLY"
        case .badPair: "BAD_PAIR"
        case .inPair: "IN_PAIR"
        case .offTick: "OFF_TICK"
        case .offLot: "OFF_LOT"
        case .quantityOutOfBounds: "QTY_OUT_OF_BOUNDS"
        case .notionalTooSmall: "NOTIONAL_TOO_SMALL"
        case .noMark: "NO_MARK"
        case .alreadyExpired: "ALREADY_EXPIRED"
        case .tooLate: "TOO_LATE"
        case .orderClosed: "ORDER_CLOSED"
        case .belowCumulative: "BELOW_CUM"
        case .overfill: "OVERFILL"
        case .beyondLimit: "BEYOND_LIMIT"
        case .noPosition: "NO_POSITION"
        case .positionExists: "POSITION_EXISTS"
        case .insufficientFunds: "INSUFFICIENT_FUNDS"
        case .insufficientHeld: "INSUFFICIENT_HELD"
        case .limitDisabled: "LIMIT_DISABLED"
        case .limitQuantity: "LIMIT_QTY"
        case .limitNotional: "LIMIT_NOTIONAL"
        case .limitPosition: "LIMIT_POSITION"
        case .limitOpenOrders: "LIMIT_OPEN_ORDERS"
        case .limitPriceBand: "LIMIT_PRICE_BAND"
        case .limitOrderRate: "LIMIT_ORDER_RATE"
        case .limitCancelRate: "LIMIT_CANCEL_RATE"
        case .limitDailyLoss: "LIMIT_DAILY_LOSS"
        case .limitShort: "LIMIT_SHORT"
        case .limitNotListed: "LIMIT_NOT_LISTED"
        case .idReused: "ID_REUSED"
        case .overflow: "OVERFLOW"
        case .fixed: "FIXED"
        case .alreadyExists: "ALREADY_EXISTS"
        case .tableFull: "TABLE_FULL"
        case .storageFull: "STORAGE_FULL"
        case .alreadySubscribed: "ALREADY_SUBSCRIBED"
        case .notSubscribed: "NOT_SUBSCRIBED"
        case .logGone: "LOG_GONE"
        case .busy: "BUSY"
        case .draining: "DRAINING"
        case .snapshotFailed: "SNAPSHOT_FAILED"
        case .upgradeNeeded: "UPGRADE_NEEDED"
        }
    }
}
