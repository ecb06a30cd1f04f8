import Core

/// What the registry holds, as list rows and `REGISTRY` events print it.
enum RegistryText {
    /// Rows of AST, WLT, VEN, ACC, SET.
    static func rows(
        _ query: Query, _ registry: borrowing Registry, _ visible: [AccountNumber]?, _ tag: Text, _ rows: inout Int,
        _ out: inout OutputBuffer
    ) {
        if query.kind == .accounts { return accounts(query, registry, visible, tag, &rows, &out) }
        let count =
            switch query.kind {
            case .assets: registry.assets.count
            case .wallets: registry.wallets.count
            case .venues: registry.venues.count
            default: Setting.allCases.count
            }
        for index in 0..<count {
            if rows >= query.limit { return }
            QueryWriter.begin(tag, &out)
            switch query.kind {
            case .assets: asset(registry.assets[index], &out)
            case .wallets: out.append(registry.wallets[index].name)
            case .venues: venue(registry.venues[index], &out)
            default: setting(Setting.allCases[index], registry.setting(Setting.allCases[index]), &out)
            }
            out.append(UInt8(ascii: "\n"))
            rows += 1
        }
    }

    /// In the order in which they were opened, so that `after=` of a page is not lost on accounts opened meanwhile.
    private static func accounts(
        _ query: Query, _ registry: borrowing Registry, _ visible: [AccountNumber]?, _ tag: Text, _ rows: inout Int,
        _ out: inout OutputBuffer
    ) {
        var first = 0
        var end = registry.accounts.count
        if query.account != 0 {
            guard let index = registry.account(query.account) else { return }
            (first, end) = (Int(index), Int(index) + 1)
        } else if query.after != 0 {
            guard let index = registry.account(query.after) else { return }
            first = Int(index) + 1
        }
        for index in first..<end {
            if rows >= query.limit { return }
            let it = registry.accounts[index]
            if let visible, !EventFilter.contains(visible, it.number) { continue }
            QueryWriter.begin(tag, &out)
            account(it.number, it.status, &out)
            out.append(UInt8(ascii: "\n"))
            rows += 1
        }
    }

    /// The kind and the row of what was defined, as it is now.
    static func event(_ definition: Definition, _ registry: borrowing Registry, _ out: inout OutputBuffer) {
        switch definition {
        case .asset(let info):
            out.append(" AST ")
            asset(info, &out)
        case .wallet(let info):
            out.append(" WLT ")
            out.append(info.name)
        case .venue(let info):
            out.append(" VEN ")
            venue(info, &out)
        case .instrument(let info):
            out.append(" INS ")
            instrument(info, registry, &out)
        case .changeInstrument(let id, let terms):
            var info = registry.instruments[Int(id)]
            info.terms = terms
            out.append(" INS ")
            instrument(info, registry, &out)
        case .account(let number, let status):
            out.append(" ACC ")
            account(number, status, &out)
        case .setting(let key, let value):
            out.append(" SET ")
            setting(key, value, &out)
        }
    }

    private static func asset(_ info: AssetInfo, _ out: inout OutputBuffer) {
        out.append(info.name)
        out.fact("decimals", Int64(info.decimals))
    }

    private static func venue(_ info: VenueInfo, _ out: inout OutputBuffer) {
        out.append(info.name)
        out.fact("kind", info.kind.word)
    }

    private static func account(_ number: AccountNumber, _ status: AccountStatus, _ out: inout OutputBuffer) {
        out.append(number)
        out.fact("status", status.word)
    }

    private static func setting(_ setting: Setting, _ value: Int64, _ out: inout OutputBuffer) {
        out.append(string: setting.name)
        out.fact("value", value)
    }

    static func instrument(_ info: InstrumentInfo, _ registry: borrowing Registry, _ out: inout OutputBuffer) {
        let quote = registry.assets[Int(info.quote)]
        out.append(info.symbol)
        out.fact("venue", registry.venues[Int(info.venue)].name)
        out.fact("wallet", registry.wallets[Int(info.wallet)].name)
        out.fact("base", registry.assets[Int(info.base)].name)
        out.fact("quote", quote.name)
        out.fact("tick", price: info.terms.tick, info)
        out.fact("lot", quantity: info.terms.lot, info)
        out.fact("price_scale", Int64(info.priceScale))
        out.fact("qty_scale", Int64(info.quantityScale))
        out.fact("min_qty", quantity: info.terms.minQuantity, info)
        out.fact("max_qty", quantity: info.terms.maxQuantity, info)
        out.fact("min_notional", amount: info.terms.minNotional, quote)
        out.fact("funds", info.funds == .full ? "full" : "none")
        out.fact("state", info.terms.state.word)
        if registry.venues[Int(info.venue)].kind == .internal {
            out.fact("maker_bps", basisPoints: info.terms.fees.maker)
            out.fact("taker_bps", basisPoints: info.terms.fees.taker)
        }
    }
}
