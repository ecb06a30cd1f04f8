/// All routes. Each group's file has its routes, the shapes they take and give, and what they do.
enum Routes {
    static let prefix = "/api/v1"

    static let tags: [(name: String, note: String)] = [
        ("orders", "New, replace, cancel; live orders and history."),
        ("market", "Prices, and the books of internal venues."),
        ("balances", "What accounts have in their wallets, and transfers."),
        ("trades", "Fills, and what they come to."),
        ("positions", "What accounts have traded, at weighted average cost."),
        ("accounts", "Accounts, who is connected, who did what."),
        ("risk", "Limits, exposure, and the switch that stops everything."),
        ("system", "The process: health, figures, this description."),
        ("instruments", "Instruments, venues, wallets and assets."),
    ]

    static let all: [Route] = orders + orderLists + markets + trades + positions + balances + desk + overview + process
}
