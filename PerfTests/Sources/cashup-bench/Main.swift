import ArgumentParser

@main
struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cashup-bench", abstract: "Measures the service, its parts, its limits and its alternatives.",
        subcommands: [
            RunCommand.self, RenderCommand.self, CompareCommand.self, LoadCommand.self, PeerCommand.self, EchoCommand.self, ChildCommand.self,
        ], defaultSubcommand: RunCommand.self)
}
