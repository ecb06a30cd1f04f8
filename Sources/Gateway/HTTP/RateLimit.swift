import Core
import Synchronization

/// Requests of one token: a bucket that fills at a steady rate and holds a burst. Any thread.
final class RateLimit: Sendable {
    struct Setting: Sendable {
        /// Requests per second; 0: no limit.
        var rate: Int
        /// Requests that may come at once.
        var burst: Int
    }
    private struct Bucket {
        /// In millionths of a request.
        var level: Int64
        var filled: Timestamp
    }
    private let setting: Setting
    private let bucket: Mutex<Bucket>

    init(_ setting: Setting, now: Timestamp) {
        self.setting = setting
        bucket = Mutex(Bucket(level: Int64(setting.burst) * 1_000_000, filled: now))
    }

    /// Takes one request out.
    /// - Returns: whole seconds to wait when there is none; `nil`: taken.
    func take(now: Timestamp) -> Int64? {
        if setting.rate == 0 { return nil }
        let rate = Int64(setting.rate)
        return bucket.withLock { bucket in
            let passed = min(max(0, now - bucket.filled), 3_600_000_000)
            bucket.level = min(Int64(setting.burst) * 1_000_000, bucket.level + passed * rate)
            bucket.filled = now
            if bucket.level >= 1_000_000 {
                bucket.level -= 1_000_000
                return nil
            }
            return max(1, (1_000_000 - bucket.level + rate * 1_000_000 - 1) / (rate * 1_000_000))
        }
    }
}
