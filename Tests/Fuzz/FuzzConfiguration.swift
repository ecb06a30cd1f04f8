// Any text as a configuration file.
@testable import WAL

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    var config = Configuration()
    do {
        try config.read(yaml: String(decoding: UnsafeBufferPointer(start: data, count: size), as: UTF8.self), name: "c.yaml")
        _ = config.logOptions
    } catch { _ = "\(error)" }
    return 0
}
