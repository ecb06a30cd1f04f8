import Core
import Report
import Twin

extension MatchBench {
    /// The naive twin that the tests hold the venue against, with the same commands: what a plain implementation of the same rules costs.
    static func twin(_ settings: Settings) throws -> [Figure] {
        guard settings.wants("match/twin") else { return [] }
        let operations = settings.small ? 200 : 2_000
        var world = MatchWorld(resting: resting)
        let venue = NaiveVenue()
        try execute(MatchWorld.setUp(), on: venue, now: world.now)
        var commands: [Command] = []
        while world.restingCount < world.target { commands.append(world.rest()) }
        try execute(commands, on: venue, now: world.now)
        var samples: [Double] = []
        for _ in 0..<settings.repetitions {
            commands.removeAll()
            for _ in 0..<operations { commands.append(world.next()) }
            let start = threadNanoseconds()
            try execute(commands, on: venue, now: world.now)
            samples.append(1e9 * Double(operations) / Double(threadNanoseconds() - start))
        }
        return [
            Figure(
                id: "match/twin/rate", name: "the naive twin, the same mix", column: "commands/s", unit: "commands/s", better: .higher, samples: samples)
        ]
    }

    private static func execute(_ commands: [Command], on venue: NaiveVenue, now: Timestamp) throws {
        for command in commands where !venue.execute(command, now: now) { throw BenchFailure("the twin refused a command") }
    }
}
