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

        # PEM files of a certificate (with its chain) and of its private key: both ports then speak TLS 1.2 or 1.3 and nothing else. Renewed files are
        # read again at SIGHUP.                                                             CASHUP_TLS_CERTIFICATE, CASHUP_TLS_KEY
        tls_certificate: ""
        tls_key: ""

        # Values of the Host header that the REST API answers, between commas, without port; * for any.   CASHUP_ALLOWED_HOSTS, ALLOWED_HOSTS
        allowed_hosts: localhost,127.0.0.1,[::1]

        # Origins whose web pages may call the REST API, between commas (https://desk.example.com); * for any, empty for none.   CASHUP_CORS_ORIGINS
        cors_origins: ""

        # REST requests per second and token, 0 to 1000000; 0: no limit. So many may come at once before that counts (0: as many as in a second).
        # CASHUP_HTTP_RATE_LIMIT, CASHUP_HTTP_RATE_BURST
        http_rate_limit: 0
        http_rate_burst: 0

        # Bytes of a REST request's body, 1024 to 64 MiB.                                                 CASHUP_HTTP_BODY_BYTES
        http_body_bytes: 1048576

        # For development: the REST API takes any Host header and tells more about its own errors.        CASHUP_DEBUG, DEBUG
        debug: off

        # Keeps closed orders, trades and the ledger of balances in <data>/history.sqlite, for the queries of the REST API. It follows the log, never
        # slows it, and is made anew from it when it is deleted.   --history, CASHUP_HISTORY
        history: on

        # /health/ready says no when history is further behind the log than so many records, or the oldest record it lacks is older than so many seconds.
        # CASHUP_HISTORY_LAG_RECORDS, CASHUP_HISTORY_LAG_SECONDS
        history_lag_records: 100000
        history_lag_seconds: 30

        # Bytes of a segment of the log, 65536 to 4 GiB. Three are kept ready beside it, four as soon as orders are open. May change from
        # start to start.                                                                                        CASHUP_SEGMENT_BYTES
        segment_bytes: 67108864

        # Snapshots of the state bound the time of a start and the size of the log. One is made, without stopping anything, when so many records or
        # bytes have come to the log since the last, or when it is so many seconds old; 0: not by that. And whenever it is asked for: SNP, `cashup snapshot`.
        # While one is made the state is in memory twice.        CASHUP_SNAPSHOT_RECORDS, CASHUP_SNAPSHOT_BYTES, CASHUP_SNAPSHOT_SECONDS
        snapshot_records: 5000000
        snapshot_bytes: 268435456
        snapshot_seconds: 3600

        # Parts of the log that the two newest snapshots make dispensable: keep puts them into <data>/archive, remove deletes them. History and
        # subscriptions from far back need them, so remove is taken only with `history: off`.                                     CASHUP_ARCHIVE
        archive: keep

        # Event loops; each reads its share of the connections and hosts its share of the wallets. May change from start to start.
        # auto: 1 below four cores (there a wake-up of another core costs more than an order), else half the cores.   --loops, CASHUP_LOOPS
        loops: auto

        # jwt: clients send a token. `cashup token` makes tokens.
        # off: every connection may do everything; taken only with loopback addresses in `listen` and `http`.        --auth, CASHUP_AUTH
        auth: jwt

        # How tokens are signed; any other way is refused.                                            CASHUP_JWT_ALGORITHM, JWT_ALGORITHM
        # HS256: with the secret in the environment variable JWT_SECRET_KEY (at least 32 random bytes; there is no setting for it, so that it is in no
        #        file). A secret that looks like one from a tutorial is taken on loopback addresses only.
        # RS256, ES256: with a private key that this service does not need; the public one, or a certificate, is in the PEM file jwt_public_key_file.
        jwt_algorithm: HS256

        # CASHUP_JWT_PUBLIC_KEY_FILE, JWT_PUBLIC_KEY_FILE
        jwt_public_key_file: ""

        # trace, debug, info, notice, warning or error. The log goes to the standard error as text. At run time SIGUSR1 makes it one level more
        # talkative, SIGUSR2 one less.                                          --log-level, CASHUP_LOG_LEVEL, LOG_LEVEL
        log_level: info

        # Directory for app.log (everything), error.log (warnings and errors) and access.log (REST requests), all with one JSON object a line; made if
        # it is not there; empty: none. They are opened anew at SIGHUP.              CASHUP_LOG_DIR, LOG_DIR
        log_dir: ""

        # A log file of so many bytes (4096 to 1 TiB) is put aside as .1, that as .2, ...; so many (0 to 1000) are kept.
        # CASHUP_LOG_FILE_BYTES, CASHUP_LOG_FILES_KEPT
        log_file_bytes: 10485760
        log_files_kept: 5

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

        # Refused commands are kept with who, what and why, a line of JSON each: on (in <data>/audit), off, or a directory. Accepted ones are in the log.
        # A new file is begun at audit_bytes (65536 and more), audit_files of them are kept: they need room for the two multiplied beside the log.
        # When the log's disk is nearly full, nothing is written there.   CASHUP_AUDIT, CASHUP_AUDIT_BYTES, CASHUP_AUDIT_FILES
        audit: on
        audit_bytes: 67108864
        audit_files: 10

        # Limits of every account that has none of its own, in every wallet, which an empty log begins with: as `LIM * max_qty= max_position= max_daily_loss=`
        # (docs/PROTOCOL.md, 8), of one order's quantity, of a position, and of a day's loss per quote asset; empty: none. Once the log has anything
        # in it, LIM changes them. risk_check_enabled: off begins without them.
        # CASHUP_MAX_ORDER_SIZE, MAX_ORDER_SIZE; CASHUP_MAX_POSITION_SIZE, MAX_POSITION_SIZE; CASHUP_MAX_DAILY_LOSS, MAX_DAILY_LOSS;
        # CASHUP_RISK_CHECK_ENABLED, RISK_CHECK_ENABLED
        risk_check_enabled: on
        max_order_size: ""
        max_position_size: ""
        max_daily_loss: ""

        # A day's loss is counted from midnight of this time zone: an IANA name (Europe/Berlin) or UTC. The service keeps `SET day_start_minutes` so, over
        # changes of daylight saving time too; empty: as that says, which is midnight UTC to begin with.                        CASHUP_TIME_ZONE
        time_zone: ""

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
          # A venue whose orders this service matches with each other (docs/MATCHING.md).
          - VEN internal kind=internal
          # Instruments: the smallest price step is `tick`, the smallest quantity step `lot`.
          - INS BTC-USD venue=manual wallet=spot base=BTC quote=USD tick=0.01 lot=0.00000001
          - INS ETH-USD venue=manual wallet=spot base=ETH quote=USD tick=0.01 lot=0.000001
          - INS SOL-USD venue=manual wallet=spot base=SOL quote=USD tick=0.001 lot=0.0001
          - INS BTC-EUR venue=manual wallet=spot base=BTC quote=EUR tick=0.01 lot=0.00000001
          - INS ETH-BTC venue=manual wallet=spot base=ETH quote=BTC tick=0.00001 lot=0.0001
          - INS BTC-USDT-M venue=manual wallet=margin base=BTC quote=USDT tick=0.01 lot=0.00001
          # Matched here; fees in basis points of what a trade is worth.
          - INS BTC-USDT venue=internal wallet=spot base=BTC quote=USDT tick=0.01 lot=0.00001 maker_bps=1 taker_bps=2
          - INS ETH-USDT venue=internal wallet=spot base=ETH quote=USDT tick=0.01 lot=0.0001 maker_bps=1 taker_bps=2
          - INS SOL-USDT venue=internal wallet=spot base=SOL quote=USDT tick=0.001 lot=0.01 maker_bps=1 taker_bps=2
          # A perpetual: nothing is reserved, limits (LIM) alone decide; fills move fees and realized PnL in the quote asset.
          - INS BTC-USDT-PERP venue=manual wallet=futures base=BTC quote=USDT tick=0.1 lot=0.001 funds=none

        """#
}
