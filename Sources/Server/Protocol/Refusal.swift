import Core
import WAL

/// A refusal that the edge gives without asking a shard: a code and its facts. What a shard refuses is a ``Rejection``.
///
/// `argument` and `expected` never contain a blank; `value` is what was sent, cut at 36 bytes.
public enum Refusal: Error, BitwiseCopyable, Sendable {
    case badTag
    case lineTooLong(max: Int)
    /// `at` is the column, from 1.
    case badCharacter(at: Int)
    case unknownVerb(Text)
    /// The index of the positional argument in the verb's form, from 0; named from ``Help``.
    case missingArgument(Verb, index: Int)
    case missingVerb
    case extraArgument(Text)
    case missingKey(StaticString)
    case unknownKey(Text)
    case repeatedKey(Text)
    case badValue(argument: StaticString, value: Text, expected: StaticString)
    case badNumber(argument: StaticString, value: Text)
    case tooManyDecimals(argument: StaticString, max: Int)
    case numberTooLarge(argument: StaticString)
    case authRequired
    case badToken(reason: StaticString)
    /// Unix time in microseconds.
    case tokenExpired(at: Timestamp)
    /// `account` 0 and `venue` empty where none is concerned.
    case forbidden(need: StaticString, account: AccountNumber, venue: Text)
    case notSupported(StaticString)
    case unknownAccount(AccountNumber)
    case unknownAsset(Text)
    case unknownWallet(Text)
    case unknownVenue(Text)
    case unknownInstrument(Text)
    case unknownSetting(Text)
    case fixed(StaticString)
    /// ACC open of an account that is suspended: only `resume` lifts a suspension.
    case accountExists(AccountNumber)
    case storageFull
    case alreadySubscribed
    case notSubscribed
    case logGone(oldest: Int64)
    case busy(StaticString)
    case snapshotFailed(StaticString)
    /// The data directory is of an older format, which has no place for what the command asks for.
    case upgradeNeeded(format: Int, need: Int)
    case tableFull(StaticString, max: Int)
    case draining

    /// `nil` when a data directory of this format can hold what the request comes to.
    init?(_ request: borrowing Request, format: Int) {
        let need: Int
        switch copy request {
        case .shard(_, let command): need = DataFormat.needed(by: command)
        case .define(let definition): need = DataFormat.needed(by: definition)
        case .deadMan: need = DataFormat.venues
        case .order, .cancelAll, .house, .query, .session, .refused: return nil
        }
        if need <= format { return nil }
        self = .upgradeNeeded(format: format, need: need)
    }

    public var code: Code {
        switch self {
        case .badTag: .badTag
        case .lineTooLong: .lineTooLong
        case .badCharacter: .badCharacter
        case .unknownVerb: .unknownVerb
        case .missingArgument, .missingVerb: .missingArgument
        case .extraArgument: .extraArgument
        case .missingKey: .missingKey
        case .unknownKey: .unknownKey
        case .repeatedKey: .repeatedKey
        case .badValue: .badValue
        case .badNumber: .badNumber
        case .tooManyDecimals: .tooManyDecimals
        case .numberTooLarge: .numberTooLarge
        case .authRequired: .authRequired
        case .badToken: .badToken
        case .tokenExpired: .tokenExpired
        case .forbidden: .forbidden
        case .notSupported: .notSupported
        case .unknownAccount: .unknownAccount
        case .unknownAsset: .unknownAsset
        case .unknownWallet: .unknownWallet
        case .unknownVenue: .unknownVenue
        case .unknownInstrument: .unknownInstrument
        case .unknownSetting: .unknownSetting
        case .fixed: .fixed
        case .accountExists: .alreadyExists
        case .storageFull: .storageFull
        case .alreadySubscribed: .alreadySubscribed
        case .notSubscribed: .notSubscribed
        case .logGone: .logGone
        case .busy: .busy
        case .snapshotFailed: .snapshotFailed
        case .upgradeNeeded: .upgradeNeeded
        case .tableFull: .tableFull
        case .draining: .draining
        }
    }
}
