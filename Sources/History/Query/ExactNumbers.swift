import Core
import Foundation
import GRDB
import GRDBSQLite

/// 128-bit numbers inside SQLite: 16 bytes, most significant first, the sign turned, so that the bytes compare as the numbers do.
enum ExactNumber {
    static func sortable(_ value: Int128) -> Data { withUnsafeBytes(of: bytes(value)) { Data($0) } }

    fileprivate static func bytes(_ value: Int128) -> UInt128 { (UInt128(bitPattern: value) ^ (1 << 127)).bigEndian }
}

/// Functions for exact comparisons over instruments of different scales; both give ``ExactNumber``s of units of 10^-18:
///
///     units(number, scale)
///     worth(price, quantity, price scale + quantity scale)
func registerFunctions(_ db: Database) throws {
    try register(db, "units", 2) { context, _, values in
        ExactNumber.answer(context, [sqlite3_value_int64(values![0])], scale: sqlite3_value_int64(values![1]))
    }
    try register(db, "worth", 3) { context, _, values in
        ExactNumber.answer(
            context, [sqlite3_value_int64(values![0]), sqlite3_value_int64(values![1])], scale: sqlite3_value_int64(values![2]))
    }
}

extension ExactNumber {
    /// The product at the scale; NULL beside a scale that no instrument has.
    fileprivate static func answer(_ context: OpaquePointer?, _ factors: [Int64], scale: Int64) {
        guard (0...18).contains(scale) else { return sqlite3_result_null(context) }
        let product = factors.reduce(Int128(Numbers.powerOfTen(Int32(18 - scale)))) { $0 &* Int128($1) }
        withUnsafeBytes(of: bytes(product)) {
            sqlite3_result_blob(context, $0.baseAddress, Int32($0.count), unsafeBitCast(-1, to: sqlite3_destructor_type.self))
        }
    }
}

private func register(
    _ db: Database, _ name: String, _ arguments: Int32,
    _ function: @convention(c) (OpaquePointer?, Int32, UnsafeMutablePointer<OpaquePointer?>?) -> Void
) throws {
    let code = sqlite3_create_function_v2(
        db.sqliteConnection, name, arguments, SQLITE_UTF8 | SQLITE_DETERMINISTIC, nil, function, nil, nil, nil)
    if code != SQLITE_OK { throw DatabaseError(resultCode: ResultCode(rawValue: code), message: db.lastErrorMessage) }
}
