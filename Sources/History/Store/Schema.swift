// The tables of history.sqlite, version by version. docs/HISTORY.md explains the columns.
//
// Prices and quantities are integers at their instrument's scales, times microseconds since 1970 UTC. Amounts are decimal text as the line
// protocol prints them: exact at any size, and mostly shorter than the 16 bytes of an Int128. NULL is zero, empty or none. Texts of
// clients are in the protocol's form, with %XX. LSNs, session numbers and the log's salt are unsigned and stored by their bits.

/// One version of the schema: how to get there from the version before, and back. A version must not lose what only the log has: then
/// going down and up again would leave rows out that the stored LSN says are there.
struct SchemaVersion: Sendable {
    let number: Int
    let summary: String
    let up: [String]
    let down: [String]
}

enum Schema {
    /// "CUHI": tells the file from any other SQLite database (`PRAGMA application_id`).
    static let applicationID: Int64 = 0x4355_4849

    static let versions: [SchemaVersion] = [
        SchemaVersion(
            number: 1, summary: "closed orders, trades, ledger, actions, sessions",
            up: [
                """
                CREATE TABLE progress (
                  id INTEGER PRIMARY KEY CHECK (id = 1),
                  log INTEGER NOT NULL, lsn INTEGER NOT NULL, checked_lsn INTEGER NOT NULL, chain INTEGER NOT NULL
                ) STRICT
                """,
                "CREATE TABLE assets (id INTEGER PRIMARY KEY, name TEXT NOT NULL, decimals INTEGER NOT NULL) STRICT",
                "CREATE TABLE wallets (id INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT",
                """
                CREATE TABLE instruments (
                  id INTEGER PRIMARY KEY, symbol TEXT NOT NULL UNIQUE, venue TEXT NOT NULL, wallet INTEGER NOT NULL,
                  base INTEGER NOT NULL, quote INTEGER NOT NULL, price_scale INTEGER NOT NULL, quantity_scale INTEGER NOT NULL,
                  tick INTEGER NOT NULL, lot INTEGER NOT NULL
                ) STRICT
                """,
                "CREATE TABLE strategies (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT",
                """
                CREATE TABLE sessions (
                  number INTEGER PRIMARY KEY, subject TEXT NOT NULL, roles TEXT NOT NULL, peer TEXT NOT NULL,
                  name TEXT, opened INTEGER NOT NULL
                ) STRICT
                """,
                """
                CREATE TABLE orders (
                  id INTEGER PRIMARY KEY, account INTEGER NOT NULL, instrument INTEGER NOT NULL, client_id TEXT NOT NULL,
                  side INTEGER NOT NULL, type INTEGER NOT NULL, tif INTEGER NOT NULL, quantity INTEGER NOT NULL,
                  price INTEGER, status INTEGER NOT NULL, cumulative INTEGER, value TEXT, expire INTEGER, max TEXT,
                  strategy INTEGER, note TEXT, created INTEGER NOT NULL, updated INTEGER NOT NULL, took INTEGER NOT NULL,
                  reason INTEGER, reason_text TEXT, cancel_session INTEGER,
                  entered_session INTEGER NOT NULL, closed_session INTEGER NOT NULL,
                  entered_lsn INTEGER NOT NULL, closed_lsn INTEGER NOT NULL
                ) STRICT
                """,
                "CREATE INDEX orders_created ON orders (created)",
                "CREATE INDEX orders_account_created ON orders (account, created)",
                "CREATE INDEX orders_account_client_id ON orders (account, client_id)",
                """
                CREATE TABLE trades (
                  id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL, account INTEGER NOT NULL, instrument INTEGER NOT NULL,
                  client_id TEXT NOT NULL, side INTEGER NOT NULL, quantity INTEGER NOT NULL, price INTEGER NOT NULL,
                  fee TEXT, fee_asset INTEGER NOT NULL, liquidity INTEGER NOT NULL, exec TEXT NOT NULL, time INTEGER NOT NULL,
                  venue_time INTEGER, strategy INTEGER, realized TEXT, closing INTEGER NOT NULL, session INTEGER NOT NULL,
                  lsn INTEGER NOT NULL
                ) STRICT
                """,
                "CREATE INDEX trades_time ON trades (time)",
                "CREATE INDEX trades_account_time ON trades (account, time)",
                "CREATE INDEX trades_order ON trades (order_id)",
                "CREATE INDEX trades_exec ON trades (exec)",
                """
                CREATE TABLE ledger (
                  lsn INTEGER NOT NULL, k INTEGER NOT NULL, time INTEGER NOT NULL, account INTEGER NOT NULL, wallet INTEGER NOT NULL,
                  asset INTEGER NOT NULL, kind INTEGER NOT NULL, amount TEXT NOT NULL, total TEXT, available TEXT, held TEXT,
                  reference TEXT, order_id INTEGER, trade INTEGER, note TEXT, peer_account INTEGER, peer_wallet INTEGER,
                  session INTEGER NOT NULL,
                  PRIMARY KEY (lsn, k)
                ) STRICT, WITHOUT ROWID
                """,
                "CREATE INDEX ledger_account ON ledger (account, lsn)",
                """
                CREATE TABLE actions (
                  lsn INTEGER PRIMARY KEY, time INTEGER NOT NULL, session INTEGER NOT NULL, kind TEXT NOT NULL, account INTEGER,
                  instrument INTEGER, text TEXT NOT NULL
                ) STRICT
                """,
            ],
            down: [
                "DROP TABLE IF EXISTS order_options", "DROP TABLE actions", "DROP TABLE ledger", "DROP TABLE trades", "DROP TABLE orders", "DROP TABLE sessions",
                "DROP TABLE strategies", "DROP TABLE instruments", "DROP TABLE wallets", "DROP TABLE assets", "DROP TABLE progress",
            ]),
        SchemaVersion(
            number: 2, summary: "one instrument of an account without looking at its others",
            up: [
                "CREATE INDEX orders_account_instrument ON orders (account, instrument, created)",
                "CREATE INDEX trades_account_instrument ON trades (account, instrument, time)",
            ],
            down: ["DROP INDEX orders_account_instrument", "DROP INDEX trades_account_instrument"]),
        SchemaVersion(
            number: 3, summary: "what orders of internal venues ask for",
            up: [
                // It stays when the schema goes down: what it has only the log has, and the version below does not look at it.
                """
                CREATE TABLE IF NOT EXISTS order_options (
                  id INTEGER PRIMARY KEY, trigger INTEGER NOT NULL, stop INTEGER, trigger_price INTEGER NOT NULL, display INTEGER,
                  post_only INTEGER NOT NULL, reduce_only INTEGER NOT NULL, self_trade INTEGER NOT NULL, oco INTEGER
                ) STRICT
                """
            ],
            down: []),
    ]

    static var latest: Int { versions.last!.number }
}

/// `ledger.kind`.
package enum LedgerKind: Int64, BitwiseCopyable, Sendable, CaseIterable {
    case deposit = 0, withdraw, adjust, hold, release, transferOut, transferIn, trade, fee

    package var word: String {
        switch self {
        case .deposit: "DEP"
        case .withdraw: "WDR"
        case .adjust: "ADJ"
        case .hold: "HLD"
        case .release: "RLS"
        case .transferOut: "XFR_OUT"
        case .transferIn: "XFR_IN"
        case .trade: "TRADE"
        case .fee: "FEE"
        }
    }

    package init?(word: String) {
        guard let kind = LedgerKind.allCases.first(where: { $0.word == word }) else { return nil }
        self = kind
    }
}
