import Core

// Stand-ins with the interface of the real ones.

package struct Universe {
    package var seedLines: [String]
    let wallets: Int

    package init(random: inout Randomness, wallets: Int) {
        self.wallets = wallets
        seedLines = ["AST USD decimals=2", "AST BTC decimals=8"]
        for wallet in 0..<wallets { seedLines.append("WLT w\(wallet)") }
        seedLines.append("VEN manual kind=manual")
        for wallet in 0..<wallets { seedLines.append("INS BTC-W\(wallet) venue=manual wallet=w\(wallet) base=BTC quote=USD tick=0.01 lot=0.00000001") }
        for account in 1...5 {
            for wallet in 0..<wallets { seedLines.append("DEP \(account) USD 100000.00 wallet=w\(wallet) ref=seed-\(wallet)") }
        }
    }
}

package final class Trader {
    package enum Kind: Sendable { case valid, careless, hostile }

    private let id: Int
    private let universe: Universe
    private var random: Randomness
    private var unanswered: [(tag: String, line: String)] = []
    private var again: [String] = []
    private var lastTag = 0
    private var lastID = 0

    package init(id: Int, kind: Kind, universe: Universe, random: Randomness) {
        self.id = id
        self.universe = universe
        self.random = random
    }

    package func nextLine(now: Timestamp) -> String? {
        if unanswered.count >= 64 { return nil }
        let body = again.popLast() ?? make()
        lastTag += 1
        unanswered.append(("\(lastTag)", body))
        return "\(lastTag) \(body)"
    }

    private func make() -> String {
        let account = 1 + random.next(below: 5)
        let wallet = random.next(below: universe.wallets)
        lastID += 1
        switch random.next(below: 10) {
        case 0: return "DEP \(account) USD 10.00 wallet=w\(wallet) ref=d\(id)-\(lastID)"
        case 1 where universe.wallets > 1:
            return "XFR \(account) USD 1.00 w\(wallet) w\((wallet + 1) % universe.wallets) ref=x\(id)-\(lastID)"
        case 2: return "CXL \(account) BTC-W\(wallet) id=o\(id)-\(1 + random.next(below: lastID))"
        case 3: return "FIL \(account) BTC-W\(wallet) id=o\(id)-\(1 + random.next(below: lastID)) 0.001 100.00 exec=e\(id)-\(lastID)"
        case 4: return "BAL \(account)"
        default: return "NEW \(account) BTC-W\(wallet) B LMT 0.01 \(90 + random.next(below: 20)).00 GTC id=o\(id)-\(lastID)"
        }
    }

    package func received(_ line: String) {
        guard line.first == "+" || line.first == "-" else { return }
        let tag = line.dropFirst().prefix { $0 != " " }
        if let index = unanswered.firstIndex(where: { $0.tag == tag }) { unanswered.remove(at: index) }
    }

    package func disconnected() {
        again = unanswered.map(\.line).filter { $0.contains("id=") || $0.contains("ref=") }.reversed()
        unanswered.removeAll()
    }

    package func connected() {}
}

package final class Auditor {
    package init(universe: Universe) {}
    package func sent(_ line: String, client: Int, connection: Int) {}
    package func received(_ line: String, client: Int, connection: Int, durable: UInt64) {}
    package func disconnected(client: Int, connection: Int) {}
    package func record(_ mutation: borrowing Mutation, shard: WalletID, time: Timestamp, session: UInt64, lsn: UInt64) {}
    package func recovered(lastLSN: UInt64) {}
    package func check(_ shard: borrowing Shard, at lsn: UInt64) {}
    package var failure: String?
}
