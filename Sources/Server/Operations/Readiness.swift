import Synchronization
import WAL

/// Whether clients should be sent here.
package struct Readiness: Sendable {
    package struct Reason: Sendable, Equatable {
        /// Stable, for programs: `draining`, `storage_full`, `storage_reserved`, `clock`, or the name of a registered check.
        package var code: String
        /// For people.
        package var text: String

        package init(code: String, text: String) {
            self.code = code
            self.text = text
        }
    }
    /// Why not; empty: ready.
    package var reasons: [Reason]
    package var isReady: Bool { reasons.isEmpty }
}

/// What others have given the service to ask when it is asked.
struct Registered: Sendable {
    var metrics: [@Sendable (inout MetricsText) async -> Void] = []
    var checks: [(name: String, check: @Sendable () async -> String?)] = []
}

extension Service {
    /// A service that is recovering is not there to ask: its ports open when it is ready.
    package func readiness() async -> Readiness {
        var reasons: [Readiness.Reason] = []
        if isDraining { reasons.append(.init(code: "draining", text: "shutting down: connections are being closed")) }
        switch log.storage {
        case .ok: break
        case .reserved:
            reasons.append(.init(code: "storage_reserved", text: "the disk is full: only cancels, fills and the like are taken until there is room"))
        case .full:
            reasons.append(.init(code: "storage_full", text: "the disk is full and the reserve is used up: only queries are taken until there is room"))
        }
        if let difference = clock.alarm {
            reasons.append(
                .init(code: "clock", text: "the wall clock differs from the service's time by \(difference / 1_000) ms, more than is followed"))
        }
        for (name, check) in registered.withLock({ $0.checks }) {
            if let text = await check() { reasons.append(.init(code: name, text: text)) }
        }
        return Readiness(reasons: reasons)
    }

    /// Adds a reason not to be ready.
    /// - Parameters:
    ///   - name: the reason's code.
    ///   - check: what is wrong, for people; `nil`: nothing. Called per request, so it looks at a number and does not work.
    package func registerCheck(_ name: String, _ check: @escaping @Sendable () async -> String?) {
        registered.withLock { $0.checks.append((name, check)) }
    }

    /// Adds families of others to ``metrics()``. Their names are theirs alone.
    package func registerMetrics(_ source: @escaping @Sendable (inout MetricsText) async -> Void) {
        registered.withLock { $0.metrics.append(source) }
    }

    var metricSources: [@Sendable (inout MetricsText) async -> Void] { registered.withLock { $0.metrics } }
}
