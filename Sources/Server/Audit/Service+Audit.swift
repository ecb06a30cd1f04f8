import Core
import Glibc
import Logging
import WAL

extension Service {
    /// `nil` when refused commands are not kept.
    static func openAudit(_ config: Configuration, log: Log, clock: ServiceClock, logger: Logger) -> AuditTrail? {
        guard let directory = config.auditDirectory else { return nil }
        let data = config.data
        return AuditTrail(
            directory: directory, bytesMax: config.auditBytes, filesMax: config.auditFiles,
            mayWrite: { log.storage == .ok || !isSameDisk(data, directory) }, now: { clock.now() }, logger: logger)
    }

    /// The log's room is not for the audit.
    private static func isSameDisk(_ a: String, _ b: String) -> Bool {
        var (first, second) = (stat(), stat())
        return stat(a, &first) == 0 && stat(b, &second) == 0 && first.st_dev == second.st_dev
    }
}
