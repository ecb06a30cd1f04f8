import Core

/// A verb of the line protocol. The raw value is its letters, packed big-endian, so that dispatch is one switch on an integer.
public enum Verb: UInt32, CaseIterable, BitwiseCopyable, Sendable {
    case auth = 0x4155_5448  // AUTH
    case ping = 0x5049_4E47  // PING
    case time = 0x5449_4D45  // TIME
    case sync = 0x5359_4E43  // SYNC
    case help = 0x4845_4C50  // HELP
    case stat = 0x5354_4154  // STAT
    case sessions = 0x53_4553  // SES
    case snapshot = 0x53_4E50  // SNP
    case quit = 0x5155_4954  // QUIT
    case subscribe = 0x53_5542  // SUB
    case unsubscribe = 0x55_4E53  // UNS
    case new = 0x4E_4557  // NEW
    case replace = 0x52_504C  // RPL
    case cancel = 0x43_584C  // CXL
    case cancelAll = 0x43_5841  // CXA
    case fill = 0x46_494C  // FIL
    case close = 0x43_4C53  // CLS
    case deposit = 0x44_4550  // DEP
    case withdraw = 0x57_4452  // WDR
    case adjust = 0x41_444A  // ADJ
    case hold = 0x48_4C44  // HLD
    case release = 0x52_4C53  // RLS
    case transfer = 0x58_4652  // XFR
    case takeOver = 0x50_544F  // PTO
    case balances = 0x42_414C  // BAL
    case positions = 0x50_4F53  // POS
    case orders = 0x4F_5244  // ORD
    case trades = 0x54_5244  // TRD
    case instruments = 0x49_4E53  // INS
    case assets = 0x41_5354  // AST
    case wallets = 0x57_4C54  // WLT
    case venues = 0x56_454E  // VEN
    case accounts = 0x41_4343  // ACC
    case limits = 0x4C_494D  // LIM
    case deadMan = 0x44_4D53  // DMS
    case mark = 0x4D_524B  // MRK
    case settings = 0x53_4554  // SET
    case book = 0x424F_4F4B  // BOOK
    case market = 0x4D_4B54  // MKT
    case acknowledge = 0x41_434B  // ACK
    case reject = 0x52_454A  // REJ
    case canceledByVenue = 0x43_414E  // CAN
    case replacedByVenue = 0x52_5044  // RPD
    case cancelRejected = 0x43_524A  // CRJ

    @inline(__always)
    package init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count == 3 || bytes.count == 4 else { return nil }
        var packed: UInt32 = 0
        for byte in bytes { packed = packed << 8 | UInt32(byte) }
        self.init(rawValue: packed)
    }

    /// As it is written.
    public var name: String {
        var letters: [UInt8] = []
        for shift in [24, 16, 8, 0] as [UInt32] {
            let byte = UInt8(truncatingIfNeeded: rawValue >> shift)
            if byte != 0 { letters.append(byte) }
        }
        return String(decoding: letters, as: UTF8.self)
    }
}
