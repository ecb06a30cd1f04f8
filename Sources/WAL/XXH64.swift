// XXH64, after Yann Collet's specification (github.com/Cyan4973/xxHash, doc/xxhash_spec.md). It is the hash whose low
// half zstd itself keeps as a frame's content checksum, so one implementation serves both, and zstd checks it for us.

private let prime1: UInt64 = 0x9E37_79B1_85EB_CA87
private let prime2: UInt64 = 0xC2B2_AE3D_27D4_EB4F
private let prime3: UInt64 = 0x1656_67B1_9E37_79F9
private let prime4: UInt64 = 0x85EB_CA77_C2B2_AE63
private let prime5: UInt64 = 0x27D4_EB2F_1656_67C5

@inline(__always) private func rotate(_ x: UInt64, _ by: UInt64) -> UInt64 { (x &<< by) | (x &>> (64 &- by)) }
@inline(__always) private func round(_ lane: UInt64, _ input: UInt64) -> UInt64 {
    rotate(lane &+ input &* prime2, 31) &* prime1
}
@inline(__always) private func merge(_ hash: UInt64, _ lane: UInt64) -> UInt64 {
    (hash ^ round(0, lane)) &* prime1 &+ prime4
}

/// The 64-bit xxHash of the bytes.
package func xxh64(_ bytes: UnsafeRawBufferPointer, seed: UInt64) -> UInt64 {
    let count = bytes.count
    guard var p = bytes.baseAddress else { return finish(seed &+ prime5) }
    let end = p + count
    var hash: UInt64
    if count >= 32 {
        var a = seed &+ prime1 &+ prime2
        var b = seed &+ prime2
        var c = seed
        var d = seed &- prime1
        let limit = end - 32
        while p <= limit {
            a = round(a, UInt64(littleEndian: p.loadUnaligned(as: UInt64.self)))
            b = round(b, UInt64(littleEndian: p.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
            c = round(c, UInt64(littleEndian: p.loadUnaligned(fromByteOffset: 16, as: UInt64.self)))
            d = round(d, UInt64(littleEndian: p.loadUnaligned(fromByteOffset: 24, as: UInt64.self)))
            p += 32
        }
        hash = rotate(a, 1) &+ rotate(b, 7) &+ rotate(c, 12) &+ rotate(d, 18)
        hash = merge(merge(merge(merge(hash, a), b), c), d)
    } else {
        hash = seed &+ prime5
    }
    hash = hash &+ UInt64(count)
    while end - p >= 8 {
        hash = rotate(hash ^ round(0, UInt64(littleEndian: p.loadUnaligned(as: UInt64.self))), 27) &* prime1 &+ prime4
        p += 8
    }
    if end - p >= 4 {
        hash = rotate(hash ^ (UInt64(UInt32(littleEndian: p.loadUnaligned(as: UInt32.self))) &* prime1), 23) &* prime2 &+ prime3
        p += 4
    }
    while p < end {
        hash = rotate(hash ^ (UInt64(p.load(as: UInt8.self)) &* prime5), 11) &* prime1
        p += 1
    }
    return finish(hash)
}

@inline(__always) private func finish(_ h: UInt64) -> UInt64 {
    var hash = h
    hash = (hash ^ (hash &>> 33)) &* prime2
    hash = (hash ^ (hash &>> 29)) &* prime3
    return hash ^ (hash &>> 32)
}
