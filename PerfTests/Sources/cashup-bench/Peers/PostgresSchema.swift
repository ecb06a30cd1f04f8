/// The job in SQL. Amounts are bigint, scaled (see ``PeerOrders``): as exact as `numeric` and faster.
enum PostgresSchema {
    /// No column, index or look-up that the job does not need: no number given by the server, no instrument's terms, one unique index.
    /// A page of balances is filled to a tenth, so that the versions of a row find room beside it: no index is touched (HOT) and they are pruned in
    /// passing, without vacuum.
    static let tables = """
        CREATE TABLE balance (
            account   bigint   NOT NULL,
            asset     smallint NOT NULL,
            available bigint   NOT NULL CHECK (available >= 0),
            reserved  bigint   NOT NULL DEFAULT 0 CHECK (reserved >= 0),
            PRIMARY KEY (account, asset)
        ) WITH (fillfactor = 10);

        CREATE TABLE orders (
            client_id  text        COLLATE "C" PRIMARY KEY,
            account    bigint      NOT NULL,
            price      bigint      NOT NULL CHECK (price > 0),
            quantity   bigint      NOT NULL CHECK (quantity > 0),
            created    timestamptz NOT NULL DEFAULT now(),
            instrument smallint    NOT NULL,
            buy        boolean     NOT NULL
        );
        """

    /// The insertion comes first: a repeated client id is answered as that, whatever the funds are by now, and the balance's row is locked for less
    /// time. Both refusals are errors, which undo the whole of it.
    static let function = """
        CREATE FUNCTION place_order(p_client_id text, p_account bigint, p_instrument smallint, p_buy boolean, p_price bigint, p_quantity bigint)
        RETURNS void LANGUAGE plpgsql AS $$
        DECLARE
            amount bigint := CASE WHEN p_buy THEN p_price * p_quantity ELSE p_quantity END;
        BEGIN
            -- A duplicate raises unique_violation (23505): the order is there.
            INSERT INTO orders (client_id, account, price, quantity, instrument, buy)
            VALUES (p_client_id, p_account, p_price, p_quantity, p_instrument, p_buy);

            -- Locks the row; a second order on it waits and sees what is left.
            UPDATE balance SET available = available - amount, reserved = reserved + amount
            WHERE account = p_account AND asset = CASE WHEN p_buy THEN 1 ELSE 2 END AND available >= amount;
            IF NOT FOUND THEN
                RAISE EXCEPTION 'insufficient funds' USING ERRCODE = 'CU001';
            END IF;
        END $$;
        """

    static let call = "SELECT place_order($1, $2, $3, $4, $5, $6)"

    /// Asset 1 is USD, which buys reserve; 2 is BTC.
    static var funding: String {
        """
        INSERT INTO balance (account, asset, available)
        SELECT a, s, \(PeerOrders.funding) FROM generate_series(1, \(PeerOrders.accounts)) a, generate_series(1, 2) s
        """
    }

    /// (orders, balances, balances that do not agree with the orders)
    static var check: String {
        """
        SELECT (SELECT count(*) FROM orders), count(*),
            count(*) FILTER (WHERE b.reserved <> coalesce(o.amount, 0) OR b.available::numeric + b.reserved <> \(PeerOrders.funding))
        FROM balance b LEFT JOIN (
            SELECT account, CASE WHEN buy THEN 1 ELSE 2 END AS asset, sum(CASE WHEN buy THEN price::numeric * quantity ELSE quantity END) AS amount
            FROM orders GROUP BY 1, 2
        ) o ON o.account = b.account AND o.asset = b.asset
        """
    }

    /// What a refused order and a repeated one must be answered, tried once after each start and undone: nobody's cheap shortcut.
    static var refusals: [(sql: String, code: String)] {
        let order = "1::bigint, 1::smallint, true, \(PeerOrders.lowestPrice)::bigint"
        return [
            ("SELECT place_order('refused', \(order), \(UInt64(PeerOrders.funding) / PeerOrders.lowestPrice + 1)::bigint)", "CU001"),
            ("SELECT place_order('twice', \(order), 1::bigint); SELECT place_order('twice', \(order), 1::bigint)", "23505"),
        ]
    }
}
