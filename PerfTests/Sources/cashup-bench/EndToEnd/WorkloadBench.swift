import Foundation
import Load
import Report

/// Other loads than new orders on one instrument: mixes, recorded flow, hot spots, several wallets on one loop and on two.
enum WorkloadBench {
    private static let point = ClosedBench.many

    static func run(_ settings: Settings) throws -> [Section] {
        let server = try ServerProcess(settings)
        defer { server.stop() }
        try server.configure(Population.funding(accounts: settings.small ? 1_000 : 10_000) + instruments(100, wallet: "spot", prefix: "I"))
        return [try mixes(settings, server), try matched(settings), try recorded(settings, server), try loops(settings)].compactMap { $0 }
    }

    private static func instruments(_ count: Int, wallet: String, prefix: String) -> [String] {
        (0..<count).map { "INS \(prefix)\($0)-USD venue=manual wallet=\(wallet) base=BTC quote=USD tick=0.01 lot=0.00000001" }
    }

    private static func closed<K: Workload>(_ server: ServerProcess, _ workload: inout K, _ settings: Settings, _ name: String) throws -> Measurement {
        try Measurement(name, of: server.processorTime) {
            try ClosedLoop(connections: point.connections, window: point.window, seconds: settings.small ? 0.1 : 1)
                .run(port: server.port, workload: &workload)
        }
    }

    // MARK: Mixes and hot spots

    private static func mixes(_ settings: Settings, _ server: ServerProcess) throws -> Section {
        var section = Section(
            id: "workloads", title: "Service, other workloads, closed loop",
            notes: [
                "\(point.name), one server for all, in the order of the rows. A connection is one strategy that replaces, fills and cancels its own orders; 1,000 accounts, quantities and prices as in the other sections. Every command is answered when it is durable; a refusal ends the run.",
                "Hot spots: new orders only, ids strategy-counter; accounts and instruments drawn uniformly.",
            ])
        func measure<K: Workload>(_ id: String, _ name: String, _ workload: K) throws {
            guard settings.wants("workloads/\(id)") else { return }
            var workload = workload
            let repetitions = try (0..<settings.repetitions).map { _ in try closed(server, &workload, settings, name) }
            section.figures += Rows.figures(id: "workloads/\(id)", name: name, unit: "commands/s", repetitions)
        }
        try measure("exchange-mix", ExchangeMix.name, ExchangeMix(connections: point.connections))
        try measure("desk-day", DeskDay.name, DeskDay(connections: point.connections))
        let manyAccounts: UInt64 = settings.small ? 1_000 : 10_000
        for (accounts, instruments) in [(1, 1), (1, 100), (manyAccounts, 1), (manyAccounts, 100)] as [(UInt64, UInt64)] {
            var population = Population(seed: accounts * 1_000 + instruments)
            population.accounts = accounts
            population.instruments = instruments == 1 ? 0 : instruments
            population.strategyPrefix = "h\(accounts)/\(instruments)/"
            let name = "\(accounts == 1 ? "one account" : "\(Int(accounts).grouped) accounts"), \(instruments == 1 ? "one instrument" : "\(instruments) instruments")"
            try measure("hot/\(accounts)-\(instruments)", name, population)
        }
        return section
    }

    // MARK: Matching

    private static func matched(_ settings: Settings) throws -> Section? {
        guard settings.wants("workloads/matched") else { return nil }
        var section = Section(
            id: "matched", title: "Service, matching on internal instruments, closed loop",
            notes: [
                "exchange-core's mix (9 % GTC, 3 % IOC, 6 % cancel, 82 % move) on books of \(BookMix.resting.grouped) resting orders, \(MatchWorld.accounts.grouped) accounts, fees of 1 and 2 bp: the same commands as in section match, as lines, made before the clock runs. Every trade, its fees and both positions are in the log before the taker's answer leaves; a refusal ends the run. One book: one connection, because what a command names must still be open when it comes.",
            ])
        for (connections, window) in [(1, 512), (point.connections, point.window)] {
            let server = try ServerProcess(settings)
            defer { server.stop() }
            let workload = BookMix(connections: connections)
            try server.configure(workload.setUp)
            var repetitions: [Measurement] = []
            for _ in 0..<settings.repetitions {
                workload.supply(settings.small ? 5_000 : 1_500_000 / connections)
                var commands = workload
                repetitions.append(
                    try Measurement("matching", of: server.processorTime) {
                        try ClosedLoop(connections: connections, window: window, seconds: settings.small ? 0.1 : 1)
                            .run(port: server.port, workload: &commands)
                    })
            }
            let books = connections == 1 ? "one book, BTC-USDT" : "\(connections) books"
            section.figures += Rows.figures(
                id: "workloads/matched/\(connections)-\(window)", name: "\(books), \(LoadPoint(connections: connections, window: window).name)",
                unit: "commands/s", repetitions)
        }
        return section
    }

    // MARK: Recorded flow

    private static func recorded(_ settings: Settings, _ server: ServerProcess) throws -> Section? {
        guard settings.wants("recorded/") else { return nil }
        var section = Section(
            id: "recorded", title: "Service, recorded order flow at multiples of its speed, open loop",
            notes: [
                "Bitstamp BTC-USD of 2015-05-01, every order, replace, fill and cancel of five hours, over one connection at its recorded moments, sped up; latency from the moment due, bursts as they came."
            ])
        guard let file = settings.recordedFlow else {
            section.notes.append("Left out: the file is not here (it is not part of the project).")
            return section
        }
        let flow = try RecordedFlow(server: settings.server, file: file)
        try server.configure(flow.funding)
        var run = 0
        var lines: [Plot.Line] = []
        for speed in settings.small ? [200_000.0] : [5_000, 20_000, 50_000] {
            var repetitions: [Measurement] = []
            for _ in 0..<settings.repetitions {
                run += 1
                var workload = flow.workload(run: run)
                repetitions.append(
                    try Measurement("recorded flow", of: server.processorTime) {
                        try OpenLoop(connections: 1, waitingMax: 1 << 20, warmupSeconds: 0).run(
                            port: server.port, workload: &workload, schedule: flow.schedule(speed: speed))
                    })
            }
            let name = "\(Int(speed).grouped) x: five hours in \(String(format: "%.1f", flow.seconds / speed)) s"
            section.figures += Rows.figures(id: "recorded/\(Int(speed))", name: name, unit: "commands/s", repetitions)
            lines.append(Rows.percentileLine("\(Int(speed)) x", repetitions.map(\.load)))
        }
        section.plots = [Rows.percentilePlot(id: "recorded", title: "Recorded flow: latency by percentile", lines)]
        return section
    }

    // MARK: Several wallets

    private static func loops(_ settings: Settings) throws -> Section? {
        guard settings.wants("loops/") else { return nil }
        let wallets = ["spot", "margin", "futures", "savings"]
        var section = Section(
            id: "loops", title: "Service, four wallets on one event loop and on two",
            notes: [
                "\(point.name); each connection trades in one wallet of the four, new orders. With two loops half of the connections are read by the loop that does not host their wallet. Two services, in turn. The client needs a core of its own: on two cores a second loop competes with it."
            ])
        var servers: [(Int, ServerProcess)] = []
        defer { for (_, server) in servers { server.stop() } }
        for loops in [1, 2] {
            let server = try ServerProcess(settings, .init(arguments: ["--loops", "\(loops)"]))
            servers.append((loops, server))
            try server.configure(
                wallets.flatMap { instruments(1, wallet: $0, prefix: "\($0.uppercased())-") + Population.funding(wallet: $0) })
        }
        var workloads = servers.map { _ in WalletOrders(wallets: wallets) }
        var repetitions: [[Measurement]] = [[], []]
        for _ in 0..<settings.repetitions {
            for index in servers.indices {
                repetitions[index].append(try closed(servers[index].1, &workloads[index], settings, "loops"))
            }
        }
        for (index, (loops, _)) in servers.enumerated() {
            section.figures += Rows.figures(
                id: "loops/\(loops)", name: "\(loops) loop\(loops == 1 ? "" : "s")", repetitions[index], limit: loops == 2 ? "loops/1" : nil,
                limited: ["rate", "p50", "p99"])
        }
        return section
    }
}

/// ``Population`` over several wallets, one of them a connection.
struct WalletOrders: Workload {
    private var populations: [Population]

    init(wallets: [String]) {
        populations = wallets.enumerated().map { index, wallet in
            var population = Population(seed: UInt64(index))
            population.symbol = "\(wallet.uppercased())-0-USD"
            return population
        }
    }

    mutating func next(connection: Int, into buffer: inout RequestBuffer) -> Bool {
        populations[connection % populations.count].next(connection: connection, into: &buffer)
    }
}
