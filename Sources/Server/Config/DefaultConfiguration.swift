/// The configuration that holds without a file: `config/cashup.yaml`, compiled in (a test compares the two).
package enum DefaultConfiguration {
    static let name = "built-in defaults"
    package static let text = #"""
        # CashUp: every setting, with its default. A copy of this file is built into the service: without --config these values hold.
        #
        # Order of precedence: command-line flag, environment variable, this file, built-in default. An unknown key or a value that is not of its kind
        # stops the start with file and line. Sizes are bytes, times are seconds unless the name says otherwise.
        #
        # What decisions depend on is not here but in the log, so that a changed file cannot change what a replay of the log comes to: see SET, LIM,
        # INS and ACC in docs/PROTOCOL.md. `seed` at the end is what an empty log begins with.

        # Directory of the log; made if it is not there. One process at a time.        --data, CASHUP_DATA
        data: ./data

        # HOST:PORT of the line protocol; port 0 takes a free one and prints it.        --listen, CASHUP_LISTEN
        listen: 127.0.0.1:7070

        # HOST:PORT of the REST API, or off. With `auth: off` a loopback address only.   --http, CASHUP_HTTP
        http: 127.0.0.1:8000

        # Keeps closed orders, trades and the ledger of balances in <data>/history.sqlite, for the queries of the REST API. It follows the log, never
        # slows it, and is made anew from it when it is deleted.   --history, CASHUP_HISTORY
        history: on

        # Event loops; each reads its share of the connections and hosts its share of the wallets. May change from start to start.
        # auto: 1 below four cores (there a wake-up of another core costs more than an order), else half the cores.   --loops, CASHUP_LOOPS
        loops: auto

        # jwt: clients send AUTH with a token signed with the secret in the environment variable JWT_SECRET_KEY (HS256; at least 32 random bytes;
        #      there is no setting for it, so that it is in no file). `cashup token` makes tokens.
        # off: every connection may do everything; taken only with a loopback address in `listen`.                   --auth, CASHUP_AUTH
        auth: jwt

        # trace, debug, info, notice, warning or error; the log goes to the standard error.                     --log-level, CASHUP_LOG_LEVEL
        log_level: info

        # Connections at once, 1 to 100000; further ones are told `* BYE reason=connections`. Each needs a file descriptor: see `ulimit -n`.
        # CASHUP_MAX_CONNECTIONS
        max_connections: 4096

        # Bytes that may wait for a client to read them, 65536 to 1 GiB. Beyond, nothing more is read from it.       CASHUP_MAX_UNSENT_BYTES
        max_unsent_bytes: 8388608

        # Seconds that a client with so much waiting may take nothing, 1 to 3600; then `* BYE reason=slow`.           CASHUP_SLOW_SECONDS
        slow_seconds: 30

        # Seconds without a command after which a connection is closed (`* BYE reason=idle`), 0 to 86400; 0: never. Sessions with hb= and subscribers
        # are exempt.                                                                                            CASHUP_IDLE_SECONDS
        idle_seconds: 600

        # Seconds after a token's end in which CXL, CXA, queries and AUTH go on, 0 to 3600.                      CASHUP_TOKEN_GRACE_SECONDS
        token_grace_seconds: 60

        # Bytes of recent events kept in memory for subscribers, 65536 to 1 GiB; who is further behind is fed from the log.
        # CASHUP_EVENT_BUFFER_BYTES
        event_buffer_bytes: 16777216

        # What an empty log begins with: commands of the line protocol without tag, in order, made durable together. Once the log has anything in it,
        # the log is the truth; what differs here is said at the start and changes nothing. To change a running service send the commands.
        seed:
          # Assets, with the decimals that are printed at least.
          - AST USD decimals=2
          - AST EUR decimals=2
          - AST USDT decimals=2
          - AST BTC decimals=8
          - AST ETH decimals=8
          - AST SOL decimals=6
          # Wallets; the first is what commands without wallet= mean.
          - WLT spot
          - WLT margin
          - WLT futures
          - WLT options
          - WLT savings
          # A venue whose fills are reported to the service with FIL.
          - VEN manual kind=manual
          # Instruments: the smallest price step is `tick`, the smallest quantity step `lot`.
          - INS BTC-USD venue=manual wallet=spot base=BTC quote=USD tick=0.01 lot=0.00000001
          - INS ETH-USD venue=manual wallet=spot base=ETH quote=USD tick=0.01 lot=0.000001
          - INS SOL-USD venue=manual wallet=spot base=SOL quote=USD tick=0.001 lot=0.0001
          - INS BTC-EUR venue=manual wallet=spot base=BTC quote=EUR tick=0.01 lot=0.00000001
          - INS ETH-BTC venue=manual wallet=spot base=ETH quote=BTC tick=0.00001 lot=0.0001
          - INS BTC-USDT-M venue=manual wallet=margin base=BTC quote=USDT tick=0.01 lot=0.00001
          # A perpetual: nothing is reserved, limits (LIM) alone decide; fills move fees and realized PnL in the quote asset.
          - INS BTC-USDT-PERP venue=manual wallet=futures base=BTC quote=USDT tick=0.1 lot=0.001 funds=none

        """#
}
