import Core

/// DEP, WDR, ADJ, HLD, RLS, XFR, PTO.
extension LineParser {
    static func money(
        _ kind: Money.Kind, _ a: Arguments, _ registry: borrowing Registry, _ parsed: inout ParsedLine
    ) throws(Refusal) {
        let account = try a.account(a[0])
        let asset = try a.asset(a[1], "asset", registry)
        let amount = try a.nonzeroAmount(a[2], "amount", signed: kind == .adjust)
        parsed.request = .shard(
            try a.wallet(.wallet, registry),
            .money(
                Money(
                    kind, account: account, asset: asset, amount: amount, reference: try a.text(.ref),
                    note: try a.text(a.has(.reason) ? .reason : .note), before: parsed.before)))
        parsed.requires = Requires(.admin, account: account)
        parsed.opensAccount = kind == .deposit && registry.account(account) == nil
    }

    static func transfer(_ a: Arguments, _ registry: borrowing Registry, _ parsed: inout ParsedLine) throws(Refusal) {
        let account = try a.account(a[0], "from")
        let target = try a.account(a[1], "to")
        let asset = try a.asset(a[2], "asset", registry)
        let amount = try a.nonzeroAmount(a[3], "amount")
        let from = try a.wallet(.from, registry)
        let to = try a.wallet(.to, registry)
        if account == target, from == to {
            throw .badValue(argument: "to", value: Text(cut: a[1]), expected: "another_account_or_wallet")
        }
        parsed.request = .shard(
            from,
            .transfer(
                Transfer(
                    account: account, toAccount: target, toWallet: to, asset: asset, amount: amount,
                    reference: try a.text(.ref), note: try a.text(.note), before: parsed.before)))
        parsed.requires = Requires(.trade, account: account, second: target)
    }

    static func takeOver(_ a: Arguments, _ registry: borrowing Registry, _ parsed: inout ParsedLine) throws(Refusal) {
        let account = try a.account(a[0])
        let instrument = try a.instrument(a[1], registry)
        let info = registry.instruments[Int(instrument)]
        parsed.request = .shard(
            info.wallet,
            .takeOver(
                TakeOver(
                    account: account, instrument: instrument, quantity: try a.signed(a[2], "qty", scale: info.quantityScale),
                    price: try a.positive(a[3], "price", scale: info.priceScale), reference: try a.text(.ref), note: try a.text(.note),
                    before: parsed.before)))
        parsed.requires = Requires(.admin, account: account)
    }
}
