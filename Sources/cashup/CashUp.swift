import ArgumentParser

@main
struct CashUp: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cashup",
        abstract: "A trading service: orders, trades, positions and balances, durable before they are acknowledged.",
        discussion: """
            First steps:
              cashup serve --data ./data                 serve on 127.0.0.1:7070
              cashup client                              talk to it; HELP lists the verbs
              cashup client -- DEP 7 USD 1000 ref=first  one command from a script
            The protocol is in docs/PROTOCOL.md, every setting in config/cashup.yaml.
            """,
        subcommands: [
            ServeCommand.self, ClientCommand.self, TokenCommand.self, SnapshotCommand.self, BackupCommand.self, RestoreCommand.self,
            UpgradeCommand.self, WALCommand.self, HistoryCommand.self, ReplayOrdersCommand.self,
        ])
}
