/// The job in Lua. Redis runs a script to its end before anything else, so there is nothing to lock.
///
/// Exact: Lua's numbers are doubles, so every amount is below 2^53 (or refused); balances are above that and only ever changed by HINCRBY, which is
/// 64-bit. A double that HINCRBY's answer was rounded to still has its sign.
enum RedisScript {
    static let placeOrder = """
        -- KEYS: the order, the account's balances. ARGV: account, asset (USD for buys, BTC for sells), price, quantity, instrument
        local call = redis.call
        if call('EXISTS', KEYS[1]) == 1 then return redis.error_reply('DUPLICATE') end
        local amount = ARGV[4] + 0
        if ARGV[2] == 'USD' then amount = amount * ARGV[3] end
        if not (amount > 0 and amount < 9007199254740992) then return redis.error_reply('AMOUNT') end
        local available = call('HINCRBY', KEYS[2], ARGV[2], -amount)
        if available < 0 then
            call('HINCRBY', KEYS[2], ARGV[2], amount)
            return redis.error_reply('FUNDS')
        end
        call('HINCRBY', KEYS[2], ARGV[2] .. ':reserved', amount)
        call('HSET', KEYS[1], 'account', ARGV[1], 'asset', ARGV[2], 'price', ARGV[3], 'quantity', ARGV[4], 'instrument', ARGV[5])
        return 1
        """

    /// ARGV: accounts, funds, as text throughout.
    static let fund = """
        for account = 1, ARGV[1] do
            redis.call('HSET', 'b:' .. account, 'USD', ARGV[2], 'USD:reserved', '0', 'BTC', ARGV[2], 'BTC:reserved', '0')
        end
        return 1
        """

    /// For each account and asset with orders: `account asset`, what its orders reserve. Sums per account stay below 2^53, else it fails.
    static let sums = """
        local sums = {}
        local count = 0
        for _, key in ipairs(redis.call('KEYS', 'o:*')) do
            local order = redis.call('HMGET', key, 'account', 'asset', 'price', 'quantity')
            local amount = order[4] + 0
            if order[2] == 'USD' then amount = amount * order[3] end
            local name = order[1] .. ' ' .. order[2]
            sums[name] = (sums[name] or 0) + amount
            if sums[name] >= 9007199254740992 then return redis.error_reply('SUM') end
            count = count + 1
        end
        local rows = { tostring(count) }
        for name, sum in pairs(sums) do rows[#rows + 1] = name .. ' ' .. string.format('%.0f', sum) end
        return rows
        """

    static func balance(_ account: UInt64) -> String { "b:\(account)" }
}

/// One thread serves all: what there is to set is the log and what would disturb it. A second thread for sockets halves the rate on two cores.
enum RedisConfiguration {
    static let settings: [PeerSetting] = [
        // Durable: the log is written and synced before the answers of a turn of the loop leave.
        PeerSetting("appendonly", "yes"),
        PeerSetting("appendfsync", "always"),
        PeerSetting("no-appendfsync-on-rewrite", "no"),
        // No rewrite of the log and no dump in a run.
        PeerSetting("auto-aof-rewrite-percentage", "0"),
        PeerSetting("save", "\"\""),
        // Nothing beside the job.
        PeerSetting("io-threads", "1"),
        PeerSetting("latency-tracking", "no"),
        PeerSetting("slowlog-log-slower-than", "-1"),
        PeerSetting("databases", "1"),
        PeerSetting("maxmemory-policy", "noeviction"),
        PeerSetting("bind", "127.0.0.1"),
        PeerSetting("protected-mode", "yes"),
        PeerSetting("daemonize", "no"),
    ]
}
