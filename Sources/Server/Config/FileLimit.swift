import Glibc

/// How many files the process may have open; each connection is one.
enum FileLimit {
    /// Raises the soft limit to the hard one; returns what holds then.
    static func raise() -> Int {
        var limit = rlimit()
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        guard getrlimit(resource, &limit) == 0 else { return .max }
        if limit.rlim_cur < limit.rlim_max {
            var raised = limit
            raised.rlim_cur = limit.rlim_max
            if setrlimit(resource, &raised) == 0 { limit = raised }
        }
        return Int(clamping: limit.rlim_cur)
    }
}

extension Configuration {
    /// The connections there is room for when so many files may be open. The rest is for the log, catch-ups, the listener and refusals, and
    /// three files of each event loop.
    package func connectionRoom(files: Int, cores: Int) -> Int {
        min(maxConnections, max(1, files - 64 - 3 * loopCount(cores: cores)))
    }
}
