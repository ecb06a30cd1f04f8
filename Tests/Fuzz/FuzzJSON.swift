// Any bytes to the reader of JSON. What it takes, written and read again, is the same value.

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    let copy = [UInt8](UnsafeBufferPointer(start: data, count: size))
    guard let value = try? copy.withUnsafeBytes({ try JSONReader.read($0) }) else { return 0 }
    var out = ByteWriter(capacity: 16)
    value.write(to: &out)
    guard let again = try? JSONReader.read(out.bytes) else { fatalError("what was written cannot be read") }
    guard again == value else { fatalError("what was written is read as something else") }
    return 0
}
