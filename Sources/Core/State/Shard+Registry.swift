// Definitions: shard 0 decides and numbers them, the others record their copies in number order. Marks belong to one wallet.

extension Shard {
    mutating func decide(_ definition: Definition, _ now: Timestamp, _ emit: (borrowing Mutation) -> Void) -> Outcome {
        invariant(number == 0, "only shard 0 decides definitions")
        switch registry.check(definition) {
        case .rejected(let rejection): return .rejected(rejection)
        case .duplicate: return .defined(number: 0, canceled: 0, duplicate: true)
        case .new: break
        }
        let entry = registry.number + 1
        return .defined(number: entry, canceled: record(entry, definition, now, emit), duplicate: false)
    }

    /// Other shards: records entry `number`, the next one this shard lacks. Returns how many orders a suspension cancelled here.
    public mutating func copyDefinition(
        number entry: Int64, _ definition: Definition, now: Timestamp, emit: (borrowing Mutation) -> Void
    ) -> Int64 {
        record(entry, definition, now, emit)
    }

    private mutating func record(
        _ entry: Int64, _ definition: Definition, _ now: Timestamp, _ emit: (borrowing Mutation) -> Void
    ) -> Int64 {
        apply(.defined(number: entry, definition), now, emit)
        guard case .account(let account, .suspended) = definition, let index = registry.account(account) else { return 0 }
        return cancelOpen(index, -1, .suspended, 0, now, emit)
    }

    /// Shard 0: the registry's entry with that number, 1...registry.number.
    public func definition(number entry: Int64) -> Definition {
        invariant(number == 0, "only shard 0 keeps the definitions")
        return definitions[Int(entry) - 1]
    }

    mutating func evolveDefined(_ entry: Int64, _ definition: Definition) {
        registry.evolve(number: entry, definition)
        if number == 0 { definitions.append(definition) }
        while accounts.end < registry.accounts.count { _ = accounts.insert(AccountState()) }
        while channels.count < registry.wallets.count { channels.append(Channel()) }
        while totals.count < registry.assets.count { totals.append(AssetTotals()) }
        while markets.end < registry.instruments.count {
            let info = registry.instruments[Int(markets.end)]
            let kind = registry.venues[Int(info.venue)].kind
            let book = kind == .internal && info.wallet == number ? books.add(markets.end) : none
            _ = markets.insert(
                Market(
                    book: book, amountUnit: Numbers.powerOfTen(18 - info.priceScale - info.quantityScale),
                    quantityUnit: Numbers.powerOfTen(18 - info.quantityScale), terms: info.terms, wallet: info.wallet, venue: info.venue,
                    base: info.base, quote: info.quote, funds: info.funds, venueKind: kind))
        }
        if case .changeInstrument(let id, let terms) = definition { markets[id].terms = terms }
    }

    // MARK: Marks

    mutating func decide(_ set: SetMark, _ now: Timestamp, _ emit: (borrowing Mutation) -> Void) -> Outcome {
        guard isHere(set.instrument) else {
            return .rejected(.unknownInstrument(set.instrument))
        }
        if set.price <= 0 { return .rejected(.badValue(.price)) }
        if markets[set.instrument].mark == set.price { return .done(duplicate: true) }
        if let late = tooLate(set.before, now) { return .rejected(late) }
        apply(.markSet(instrument: set.instrument, price: set.price), now, emit)
        runTriggers(set.instrument, TradedRange(), now, emit)
        return .done(duplicate: false)
    }
}
