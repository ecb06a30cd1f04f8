// Any bytes to the record decoder. What it takes it must give back: written again and read again, it is the same.
//
// Input: LEB128 count of records, then their bytes.
@testable import Core
@testable import WAL

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    let copy = [UInt8](UnsafeBufferPointer(start: data, count: size))
    copy.withUnsafeBytes { input in
        var count = 0
        var at = 0
        while at < input.count, at < 3 {
            count |= Int(input[at] & 0x7F) << (7 * at)
            at += 1
            if input[at - 1] < 0x80 { break }
        }
        let bytes = UnsafeRawBufferPointer(rebasing: input[at...])
        let batch = Batch()
        var writer = RecordWriter()
        guard let first = read(bytes, count, { writer.append($0.mutation, shard: $0.shard, time: $0.time, session: $0.session, to: batch) })
        else { return }
        let again = Batch()
        var second = RecordWriter()
        let found = read(batch.bytes.bytes, count) {
            second.append($0.mutation, shard: $0.shard, time: $0.time, session: $0.session, to: again)
        }
        invariant(found == first, "what was read is read again")
        invariant(again.bytes.bytes.elementsEqual(batch.bytes.bytes), "what was written is written again")
    }
    return 0
}

/// How many records there are; `nil` when they are not of the format.
private func read(_ bytes: UnsafeRawBufferPointer, _ count: Int, _ body: (RecordReader.Record) -> Void) -> Int? {
    var reader = RecordReader(bytes: bytes, count: count)
    var found = 0
    do {
        while let record = try reader.next() {
            body(record)
            found += 1
        }
        return found
    } catch { return nil }
}
