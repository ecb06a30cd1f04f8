import Logging

// What an operator changes in a running service.

extension Service {
    /// SIGHUP: opens log files anew, for who has moved them away, and reads renewed certificates.
    func reload() {
        logs?.reopen()
        var told = "log files opened anew"
        if let tls {
            do {
                try tls.reload()
                told += ", certificate read again"
            } catch {
                logger.error("the certificate in force stays: \(error)")
            }
        }
        logger.notice("reloaded: \(told)")
    }

    /// Of the whole process; `nil` where somebody else has its log (tests).
    package var logLevel: Logger.Level? { logs?.level }

    /// Changes the level of all logs of the process at once.
    /// - Returns: whether there is such a level. Names as in the setting `log_level`.
    package func setLogLevel(_ name: String) -> Bool {
        guard let level = LogLevel.named(name), let logs else { return false }
        logs.level = level
        logger.notice("log level is now \(level.rawValue)")
        return true
    }
}
