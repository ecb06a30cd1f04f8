import Core

/// The keys of `key=value` options, of all verbs together.
package enum OptionKey: UInt8, CaseIterable {
    case id, ref, exec, expire, max, strategy, note, reason, before, fee, feeasset, liq, time, wallet, from, to,
        stop, display, post, reduce, session, hb, cod, hash, account, symbol, kind, status, limit, after, decimals,
        venue, base, quote, tick, lot, priceScale, qtyScale, minQty, maxQty, minNotional, maxNotional, maxPosition,
        maxOpen, enabled, funds, state,
        take, trigger, oco, stp, makerBps, takerBps, book, trades, depth,
        priceBandBps, maxOrderRate, maxCancelRate, maxDailyLoss, short, listed, reset

    /// The key of that name. The first eight bytes, packed little-endian, tell all keys apart; the rest is compared then.
    @inline(__always)
    package init?(_ bytes: UnsafeRawBufferPointer) {
        guard let key = OptionKey(packed: bytes.packed) else { return nil }
        let name = key.name
        guard bytes.count == name.utf8CodeUnitCount else { return nil }
        var index = 8
        while index < bytes.count {
            if bytes[index] != name.utf8Start[index] { return nil }
            index += 1
        }
        self = key
    }

    /// The constants are the names' first eight bytes; ProtocolParserTests compares them with ``name``.
    private init?(packed: UInt64) {
        switch packed {
        case 0x6469: self = .id
        case 0x66_6572: self = .ref
        case 0x6365_7865: self = .exec
        case 0x6572_6970_7865: self = .expire
        case 0x78_616D: self = .max
        case 0x7967_6574_6172_7473: self = .strategy
        case 0x6574_6F6E: self = .note
        case 0x6E6F_7361_6572: self = .reason
        case 0x6572_6F66_6562: self = .before
        case 0x65_6566: self = .fee
        case 0x7465_7373_6165_6566: self = .feeasset
        case 0x71_696C: self = .liq
        case 0x656D_6974: self = .time
        case 0x7465_6C6C_6177: self = .wallet
        case 0x6D6F_7266: self = .from
        case 0x6F74: self = .to
        case 0x706F_7473: self = .stop
        case 0x79_616C_7073_6964: self = .display
        case 0x7473_6F70: self = .post
        case 0x6563_7564_6572: self = .reduce
        case 0x6E_6F69_7373_6573: self = .session
        case 0x6268: self = .hb
        case 0x64_6F63: self = .cod
        case 0x6873_6168: self = .hash
        case 0x74_6E75_6F63_6361: self = .account
        case 0x6C6F_626D_7973: self = .symbol
        case 0x646E_696B: self = .kind
        case 0x7375_7461_7473: self = .status
        case 0x74_696D_696C: self = .limit
        case 0x72_6574_6661: self = .after
        case 0x736C_616D_6963_6564: self = .decimals
        case 0x65_756E_6576: self = .venue
        case 0x6573_6162: self = .base
        case 0x65_746F_7571: self = .quote
        case 0x6B63_6974: self = .tick
        case 0x74_6F6C: self = .lot
        case 0x6373_5F65_6369_7270: self = .priceScale
        case 0x6C61_6373_5F79_7471: self = .qtyScale
        case 0x79_7471_5F6E_696D: self = .minQty
        case 0x79_7471_5F78_616D: self = .maxQty
        case 0x6974_6F6E_5F6E_696D: self = .minNotional
        case 0x6974_6F6E_5F78_616D: self = .maxNotional
        case 0x6973_6F70_5F78_616D: self = .maxPosition
        case 0x6E65_706F_5F78_616D: self = .maxOpen
        case 0x64_656C_6261_6E65: self = .enabled
        case 0x73_646E_7566: self = .funds
        case 0x65_7461_7473: self = .state
        case 0x656B_6174: self = .take
        case 0x72_6567_6769_7274: self = .trigger
        case 0x6F_636F: self = .oco
        case 0x70_7473: self = .stp
        case 0x7062_5F72_656B_616D: self = .makerBps
        case 0x7062_5F72_656B_6174: self = .takerBps
        case 0x6B6F_6F62: self = .book
        case 0x7365_6461_7274: self = .trades
        case 0x68_7470_6564: self = .depth
        case 0x6162_5F65_6369_7270: self = .priceBandBps
        case 0x6564_726F_5F78_616D: self = .maxOrderRate
        case 0x636E_6163_5F78_616D: self = .maxCancelRate
        case 0x6C69_6164_5F78_616D: self = .maxDailyLoss
        case 0x74_726F_6873: self = .short
        case 0x6465_7473_696C: self = .listed
        case 0x74_6573_6572: self = .reset
        default: return nil
        }
    }

    package var name: StaticString {
        switch self {
        case .id: "id"
        case .ref: "ref"
        case .exec: "exec"
        case .expire: "expire"
        case .max: "max"
        case .strategy: "strategy"
        case .note: "note"
        case .reason: "reason"
        case .before: "before"
        case .fee: "fee"
        case .feeasset: "feeasset"
        case .liq: "liq"
        case .time: "time"
        case .wallet: "wallet"
        case .from: "from"
        case .to: "to"
        case .stop: "stop"
        case .display: "display"
        case .post: "post"
        case .reduce: "reduce"
        case .session: "session"
        case .hb: "hb"
        case .cod: "cod"
        case .hash: "hash"
        case .account: "account"
        case .symbol: "symbol"
        case .kind: "kind"
        case .status: "status"
        case .limit: "limit"
        case .after: "after"
        case .decimals: "decimals"
        case .venue: "venue"
        case .base: "base"
        case .quote: "quote"
        case .tick: "tick"
        case .lot: "lot"
        case .priceScale: "price_scale"
        case .qtyScale: "qty_scale"
        case .minQty: "min_qty"
        case .maxQty: "max_qty"
        case .minNotional: "min_notional"
        case .maxNotional: "max_notional"
        case .maxPosition: "max_position"
        case .maxOpen: "max_open"
        case .enabled: "enabled"
        case .funds: "funds"
        case .state: "state"
        case .take: "take"
        case .trigger: "trigger"
        case .oco: "oco"
        case .stp: "stp"
        case .makerBps: "maker_bps"
        case .takerBps: "taker_bps"
        case .book: "book"
        case .trades: "trades"
        case .depth: "depth"
        case .priceBandBps: "price_band_bps"
        case .maxOrderRate: "max_order_rate"
        case .maxCancelRate: "max_cancel_rate"
        case .maxDailyLoss: "max_daily_loss"
        case .short: "short"
        case .listed: "listed"
        case .reset: "reset"
        }
    }
}

/// A set of option keys, as bits.
package struct KeySet: Equatable {
    package var bits: UInt64

    package init(bits: UInt64 = 0) { self.bits = bits }

    @inline(__always)
    package init(_ key: OptionKey) { bits = 1 << UInt64(key.rawValue) }

    @inline(__always)
    package func contains(_ key: OptionKey) -> Bool { bits & (1 << UInt64(key.rawValue)) != 0 }

    @inline(__always)
    package mutating func insert(_ key: OptionKey) { bits |= 1 << UInt64(key.rawValue) }

    package var isEmpty: Bool { bits == 0 }

    /// The key first in order of declaration.
    package var first: OptionKey? { isEmpty ? nil : OptionKey(rawValue: UInt8(bits.trailingZeroBitCount)) }

    @inline(__always)
    package func subtracting(_ other: KeySet) -> KeySet { KeySet(bits: bits & ~other.bits) }

    @inline(__always)
    package func intersection(_ other: KeySet) -> KeySet { KeySet(bits: bits & other.bits) }

    @inline(__always)
    package static func | (a: KeySet, b: OptionKey) -> KeySet { KeySet(bits: a.bits | KeySet(b).bits) }

    @inline(__always)
    package static func | (a: KeySet, b: KeySet) -> KeySet { KeySet(bits: a.bits | b.bits) }
}
