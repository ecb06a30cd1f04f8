import Core

/// What an event tells of.
public enum EventKind: UInt8, CaseIterable, BitwiseCopyable, Sendable {
    case order, trade, position, balance, limit, mark, registry

    public var name: StaticString {
        switch self {
        case .order: "ORDER"
        case .trade: "TRADE"
        case .position: "POSITION"
        case .balance: "BALANCE"
        case .limit: "LIMIT"
        case .mark: "MARK"
        case .registry: "REGISTRY"
        }
    }
}

public struct EventKinds: OptionSet, BitwiseCopyable, Sendable {
    public var rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    public init(_ kind: EventKind) { rawValue = 1 << kind.rawValue }
    public static let all = EventKinds(rawValue: 0x7F)
}

/// Which events a subscriber gets. Matched on values, before any text is made.
public struct EventFilter: Sendable {
    /// The accounts the session may see, ascending; `nil`: all. Events that concern no account (marks, instruments ...) pass.
    public var visible: [AccountNumber]?
    /// `account=`; 0: any. Only events of that account pass.
    public var account: AccountNumber
    /// `symbol=`; -1: any. Only events of that instrument pass.
    public var instrument: InstrumentID
    public var kinds: EventKinds
    /// Registry entries that shards other than 0 record as their copies, and records that are no event (`wal dump`).
    public var copies: Bool

    public init(
        visible: [AccountNumber]? = nil, account: AccountNumber = 0, instrument: InstrumentID = -1, kinds: EventKinds = .all,
        copies: Bool = false
    ) {
        self.visible = visible
        self.account = account
        self.instrument = instrument
        self.kinds = kinds
        self.copies = copies
    }

    /// - Parameters:
    ///   - account: 0 where the event concerns none.
    ///   - instrument: -1 where the event concerns none.
    @inline(__always)
    public func matches(_ kind: EventKind, account: AccountNumber, instrument: InstrumentID) -> Bool {
        if !kinds.contains(EventKinds(kind)) { return false }
        if self.account != 0, self.account != account { return false }
        if self.instrument >= 0, self.instrument != instrument { return false }
        guard account != 0, let visible else { return true }
        return EventFilter.contains(visible, account)
    }

    static func contains(_ sorted: [AccountNumber], _ account: AccountNumber) -> Bool {
        var low = 0
        var high = sorted.count
        while low < high {
            let middle = (low + high) / 2
            if sorted[middle] < account { low = middle + 1 } else { high = middle }
        }
        return low < sorted.count && sorted[low] == account
    }
}
