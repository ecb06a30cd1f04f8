// Any bytes as a snapshot's file: to the reader of a start.
//
// Input: byte 0, flags; 8 bytes, the LSN it is of; the file. Flag 1: checksums and chain are made right first. Flag 2: the state hashes in it are compared.
@testable import Core
@testable import WAL

/// Makes right what no chance would: number, checksums and chain of each section from the begin on.
private func mend(_ bytes: inout [UInt8], lsn: UInt64) {
    bytes.withUnsafeMutableBytes { raw in
        func put<T: FixedWidthInteger>(_ value: T, _ at: Int) { raw.storeBytes(of: value.littleEndian, toByteOffset: at, as: T.self) }
        var (at, number, chain): (Int, UInt32, UInt64) = (0, 0, 0)
        while at + SectionHeader.size <= raw.count, raw.loadUnaligned(fromByteOffset: at, as: UInt32.self) == SectionHeader.magic {
            let size = Int(raw.loadUnaligned(fromByteOffset: at + 24, as: UInt32.self))
            let next = at + SectionHeader.size + size
            put(number, at + 16)
            if next <= raw.count { put(xxh64(UnsafeRawBufferPointer(rebasing: raw[(at + SectionHeader.size)..<next]), seed: lsn), at + 32) }
            put(chain, at + 40)
            chain = xxh64(UnsafeRawBufferPointer(rebasing: raw[at..<(at + 48)]), seed: 0)
            put(chain, at + 48)
            number &+= 1
            at = next
        }
    }
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    guard size > 9 else { return 0 }
    var file = [UInt8](UnsafeBufferPointer(start: data + 9, count: size - 9))
    if data[0] & 1 != 0 { mend(&file, lsn: UnsafeRawPointer(data).loadUnaligned(fromByteOffset: 1, as: UInt64.self)) }
    let disk = MemoryDisk()
    disk.files = [("s.snap", file)]
    do {
        let replica = try Replica(snapshot: "d/s.snap", disk: disk, comparesHashes: data[0] & 2 != 0)
        // Whatever it is, it can be visited.
        for box in replica.shards { _ = box.shard.stateHash() }
    } catch is LogError {
    } catch { invariantFailure("a snapshot is refused as one") }
    return 0
}
