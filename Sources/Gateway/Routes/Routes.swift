/// All routes. Each group's file has its routes, the shapes they take and give, and what they do.
enum Routes {
    static let prefix = "/api/v1"

    static let tags: [(name: String, note: String)] = [
        ("orders", "New, replace, cancel; live orders and history."),
        ("balances", "What accounts have in their wallets, and transfers."),
        ("accounts", "Accounts, and the switch that stops them."),
        ("risk", "Limits."),
        ("instruments", "Instruments, venues, wallets and assets."),
    ]

    static let all: [Route] = orders + balances + desk
}
