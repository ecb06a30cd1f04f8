import Client
import Foundation

/// What the disk alone costs: appending `bytes` bytes to a zero-filled file and fdatasync, over and over.
enum BareDisk {
    static func measure(directory: String, bytes: Int, count: Int, warmup: Int) throws -> Latencies {
        let path = "\(directory)/bare-\(UUID().uuidString)"
        let file = open(path, O_RDWR | O_CREAT | O_EXCL, 0o600)
        guard file >= 0 else { throw BenchFailure("cannot create \(path)") }
        defer {
            close(file)
            unlink(path)
        }
        // Zero-filled ahead and synced, as the log's files are: then a sync writes data and no block map.
        let zeros = [UInt8](repeating: 0, count: 1 << 20)
        let size = bytes * (count + warmup)
        for _ in 0...(size >> 20) {
            guard write(file, zeros, zeros.count) == zeros.count else { throw BenchFailure("cannot fill \(path)") }
        }
        guard fsync(file) == 0 else { throw BenchFailure("fsync of \(path)") }

        let content = [UInt8](repeating: UInt8(ascii: "x"), count: bytes)
        var latencies = Latencies(reserving: count)
        let clock = ContinuousClock()
        for index in 0..<(count + warmup) {
            let start = clock.now
            guard pwrite(file, content, bytes, off_t(index * bytes)) == bytes, fdatasync(file) == 0 else {
                throw BenchFailure("write or fdatasync of \(path)")
            }
            let taken = clock.now - start
            if index >= warmup { latencies.record(nanoseconds: UInt64(taken / .nanoseconds(1))) }
        }
        return latencies
    }
}
