import Core

/// Outcomes and refusals to `+` and `-` lines: the answer stage of a request's path. No state, no allocation.
public enum AnswerWriter {
    /// What an answer says that its outcome does not: taken from the command before it leaves for its shard.
    public enum About: BitwiseCopyable, Sendable {
        case nothing
        /// The order that RPL, CXL, FIL, ORD or TRD named, for `UNKNOWN_ORDER`.
        case order(OrderReference)
        /// ACC: the status that was asked for.
        case account(AccountStatus)

        public init(_ command: borrowing Command) {
            switch copy command {
            case .replace(let replace): self = .order(replace.order)
            case .cancel(let cancel): self = .order(cancel.order)
            case .fill(let fill): self = .order(fill.order)
            case .define(.account(_, let status)): self = .account(status)
            default: self = .nothing
            }
        }

        public init(_ query: Query) {
            if let order = query.order { self = .order(order) } else { self = .nothing }
        }
    }

    /// The line for an outcome.
    /// - Parameters:
    ///   - lsn: of the last change; 0 where nothing was changed. Not printed for a duplicate or a refusal.
    ///   - registry: any copy that has the instruments and assets of the outcome.
    public static func write(
        _ outcome: borrowing Outcome, tag: Text, lsn: Int64, about: About = .nothing, registry: borrowing Registry,
        into out: inout OutputBuffer
    ) {
        switch copy outcome {
        case .rejected(let rejection):
            return write(rejection, tag: tag, about: about, registry: registry, into: &out)
        case .order(let view, let duplicate):
            begin(tag, &out)
            order(view, trade: 0, registry, &out)
            end(duplicate, lsn, &out)
        case .filled(let view, let trade, let duplicate):
            begin(tag, &out)
            order(view, trade: trade, registry, &out)
            end(duplicate, lsn, &out)
        case .balance(let available, let asset, let duplicate), .transferring(_, _, let asset, let available, let duplicate):
            begin(tag, &out)
            out.append("OK")
            out.fact("available", amount: available, registry.assets[Int(asset)])
            end(duplicate, lsn, &out)
        case .position(let view, let duplicate):
            let info = registry.instruments[Int(view.instrument)]
            begin(tag, &out)
            out.append("OK")
            out.position(view, info, registry.assets[Int(info.quote)])
            end(duplicate, lsn, &out)
        case .canceled(let count):
            canceled(count, tag: tag, lsn: lsn, into: &out)
        case .done(let duplicate):
            begin(tag, &out)
            out.append("OK")
            end(duplicate, lsn, &out)
        case .defined(_, let canceled, let duplicate):
            begin(tag, &out)
            out.append("OK")
            if case .account(let status) = about {
                out.fact("status", status.word)
                if status == .suspended, !duplicate { out.fact("canceled", canceled) }
            }
            end(duplicate, lsn, &out)
        }
    }

    /// CXA over several shards: their sum.
    public static func canceled(_ count: Int64, tag: Text, lsn: Int64, into out: inout OutputBuffer) {
        begin(tag, &out)
        out.append("OK")
        out.fact("canceled", count)
        end(false, count == 0 ? 0 : lsn, &out)
    }

    /// DMS: until when it must be renewed; 0: off. `lsn` 0: it was so already.
    public static func deadMan(_ deadline: Timestamp, tag: Text, lsn: Int64, into out: inout OutputBuffer) {
        begin(tag, &out)
        out.append("OK")
        if deadline == 0 { out.fact("deadline", "-") } else { out.fact("deadline", milliseconds: deadline) }
        end(lsn == 0, lsn, &out)
    }

    /// `ACC * suspend`, `ACC * resume`: how many accounts it changed. `lsn` 0: none, it was so already.
    public static func house(
        _ status: AccountStatus, accounts: Int64, canceled: Int64, tag: Text, lsn: Int64, into out: inout OutputBuffer
    ) {
        begin(tag, &out)
        out.append("OK")
        out.fact(status == .suspended ? "suspended" : "resumed", accounts)
        if status == .suspended { out.fact("canceled", canceled) }
        end(accounts == 0, lsn, &out)
    }

    /// `+TAG OK`.
    public static func ok(tag: Text, into out: inout OutputBuffer) {
        begin(tag, &out)
        out.append("OK\n")
    }

    /// `+TAG n`, the end of an answer of rows.
    /// - Parameter lsn: of the newest change that they rest on, where that is told; 0: it is not.
    public static func end(rows: Int, tag: Text, lsn: Int64 = 0, into out: inout OutputBuffer) {
        begin(tag, &out)
        out.append(rows)
        if lsn > 0 { out.fact("lsn", lsn) }
        out.append(UInt8(ascii: "\n"))
    }

    /// `+TAG ` without more; for answers that the session makes. The caller ends the line.
    public static func begin(_ tag: Text, _ out: inout OutputBuffer) {
        out.append(UInt8(ascii: "+"))
        out.append(tag)
        out.append(UInt8(ascii: " "))
    }

    private static func end(_ duplicate: Bool, _ lsn: Int64, _ out: inout OutputBuffer) {
        if duplicate {
            out.append(" dup=1")
        } else if lsn > 0 {
            out.fact("lsn", lsn)
        }
        out.append(UInt8(ascii: "\n"))
    }

    private static func order(_ view: OrderView, trade: TradeID, _ registry: borrowing Registry, _ out: inout OutputBuffer) {
        out.append(view.id)
        out.append(UInt8(ascii: " "))
        out.append(view.status.word)
        if trade != 0 { out.fact("trade", trade) }
        out.progress(view, registry.instruments[Int(view.instrument)])
        if view.status == .canceled, view.reason.isByRule { out.fact("reason", view.reason.word) }
    }
}
