"""What history.sqlite must hold, worked out from the lines of `cashup wal dump` alone, and what it does hold.

Written from docs/HISTORY.md and docs/PROTOCOL.md, sharing no code with the service. Numbers are Decimal, exact.
"""

import decimal
import sqlite3
from datetime import datetime, timezone
from decimal import Decimal as D
from types import SimpleNamespace

decimal.getcontext().prec = 80

SIDES, TYPES, TIFS = {"B": 0, "S": 1}, {"LMT": 0, "MKT": 1}, {"GTC": 0, "IOC": 1, "FOK": 2, "GTD": 3}
STATUSES = {"NEW": 0, "PARTIALLY_FILLED": 1, "FILLED": 2, "CANCELED": 3, "EXPIRED": 4}
REASONS = {"requested": 0, "all": 1, "suspended": 2, "disconnect": 3}
KINDS = {"DEP": 0, "WDR": 1, "ADJ": 2, "HLD": 3, "RLS": 4, "XFR_OUT": 5, "XFR_IN": 6, "TRADE": 7, "FEE": 8}
LIQUIDITY = {None: 0, "M": 1, "T": 2}
TABLES = ("assets", "wallets", "instruments", "strategies", "sessions", "orders", "trades", "ledger", "actions")


def microseconds(text):
    whole, fraction = text.rstrip("Z").split(".")
    moment = datetime.strptime(whole, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc)
    return int(moment.timestamp()) * 1_000_000 + int(fraction)


class Model:
    """Follows the dump, up to an LSN."""

    def __init__(self, dump, until=None):
        self.open, self.orders, self.trades, self.ledger, self.actions = {}, {}, {}, {}, {}
        self.wallets, self.instruments, self.sessions = [], {}, set()
        self.totals, self.held, self.positions = {}, {}, {}
        self.lsn = 0
        for line in dump.splitlines():
            place, kind, *rest = line.split(" ")
            if place == "SESSION":
                continue
            lsn, k = map(int, place.split("."))
            if until is not None and lsn > until:
                break
            self.lsn = max(self.lsn, lsn)
            words = [word for word in rest if "=" not in word]
            keys = dict(word.split("=", 1) for word in rest if "=" in word)
            event = SimpleNamespace(
                lsn=lsn, k=k, line=line, words=words, keys=keys, shard=int(keys["shard"]), at=microseconds(keys["at"]),
                session=int(keys.get("session", 0)))
            self.sessions.add(event.session)
            getattr(self, kind.lower())(event)

    # -- events --------------------------------------------------------------------------------------------------------

    def registry(self, event):
        if event.shard != 0:
            return
        name = event.words[0]
        if name == "WLT":
            self.wallets.append(event.words[1])
        if name == "INS":
            self.instruments[event.words[1]] = event.keys
        self.action(event, name, int(event.words[1]) if name == "ACC" else None, "REGISTRY " + name)

    def limit(self, event):
        self.action(event, "LIM", int(event.keys["account"]), "LIMIT")

    def action(self, event, kind, account, after):
        text = event.line.split(after + " ", 1)[1].rsplit(" time=", 1)[0]
        self.actions[event.lsn] = (event.at, event.session, kind, account, text)

    def mark(self, event):
        pass

    def order(self, event):
        keys, id = event.keys, int(event.keys["order"])
        if keys["exec"] == "NEW":
            self.open[id] = SimpleNamespace(
                account=int(keys["account"]), symbol=keys["symbol"], client=keys["id"], side=SIDES[keys["side"]],
                type=TYPES[keys["type"]], tif=TIFS[keys["tif"]], strategy=keys.get("strategy"),
                expire=int(keys["expire"]) if "expire" in keys else None, created=event.at, entered=event, value=D(0), cum=D(0))
        order = self.open[id]
        order.qty, order.price = D(keys["qty"]), None if keys["price"] == "-" else D(keys["price"])
        order.updated = event.at
        self.close(id, order, event)

    def close(self, id, order, event):
        status = event.keys["status"]
        if status in ("NEW", "PARTIALLY_FILLED"):
            return
        del self.open[id]
        reason = event.keys.get("reason") if status == "CANCELED" else None
        order.status, order.reason, order.closed = STATUSES[status], reason, event
        self.orders[id] = order

    def trade(self, event):
        keys, id = event.keys, int(event.keys["order"])
        order = self.open.get(id) or self.orders[id]
        qty, price, fee = D(keys["last"]), D(keys["px"]), D(keys["fee"])
        order.cum += qty
        order.value += qty * price
        order.updated = event.at
        assert order.cum == D(keys["cum"]), event.line
        info = self.instruments[keys["symbol"]]
        wallet = self.wallets.index(info["wallet"])
        self.trades[int(keys["trade"])] = SimpleNamespace(
            order=id, account=int(keys["account"]), symbol=keys["symbol"], client=keys["id"], side=SIDES[keys["side"]],
            qty=qty, price=price, fee=fee, feeasset=keys["feeasset"], liquidity=LIQUIDITY[keys.get("liq")],
            exec=keys["exec"], time=event.at, strategy=order.strategy, session=event.session, lsn=event.lsn,
            venue=int(keys["venuetime"]) if "venuetime" in keys else None)
        self.filled = (event, self.trades[int(keys["trade"])], int(keys["trade"]), info, wallet)
        if id in self.open:
            self.close(id, order, event)

    def position(self, event):
        """Comes after its trade: what the fill realized, and with it the money of instruments that are not funded."""
        fill, trade, number, info, wallet = self.filled
        assert fill.lsn == event.lsn
        key = (trade.account, trade.symbol)
        before, realized = self.positions.get(key, (D(0), D(0)))
        after = D(event.keys["realized"])
        self.positions[key] = (D(event.keys["qty"]), after)
        trade.realized = after - realized
        trade.closing = int(before != 0 and (before > 0) == (trade.side == 1))
        sign = 1 if trade.side == 0 else -1
        if info["funds"] == "full":
            legs = [(info["base"], sign * trade.qty), (info["quote"], -sign * trade.qty * trade.price)]
        else:
            assert trade.feeasset == info["quote"] or trade.fee == 0
            legs = [(info["base"], D(0)), (info["quote"], trade.realized + trade.fee)]
        lines = [("TRADE", asset, amount) for asset, amount in legs] + [("FEE", trade.feeasset, -trade.fee)]
        k = 0
        for kind, asset, amount in lines:
            if amount:
                k += 1
                self.line(event, k, trade.account, wallet, asset, kind, amount, order=trade.order, trade=number)

    def balance(self, event):
        keys, kind = event.keys, event.keys["kind"]
        if kind == "XFR_DONE":
            return
        amount = D(keys["amount"]) * (-1 if kind in ("WDR", "RLS", "XFR_OUT") else 1)
        line = self.line(
            event, event.k, int(keys["account"]), event.shard, keys["asset"], kind, amount, reference=keys.get("ref"),
            note=keys.get("note", keys.get("reason")), peer=int(keys["peer"]) if "peer" in keys else None,
            peer_wallet=self.wallets.index(keys["peer_wallet"]) if "peer" in keys else None)
        line.available = D(keys["available"])
        assert line.held == D(keys["held"]), event.line

    def line(self, event, k, account, wallet, asset, kind, amount, **more):
        key = (account, wallet, asset)
        if kind in ("HLD", "RLS"):
            self.held[key] = self.held.get(key, D(0)) + amount
        else:
            self.totals[key] = self.totals.get(key, D(0)) + amount
        fields = dict(reference=None, note=None, peer=None, peer_wallet=None, order=None, trade=None, available=None)
        line = SimpleNamespace(
            **{**fields, **more}, time=event.at, account=account, wallet=wallet, asset=asset, kind=KINDS[kind], amount=amount,
            total=self.totals.get(key, D(0)), held=self.held.get(key, D(0)), session=event.session)
        self.ledger[(event.lsn, k)] = line
        return line


class Database:
    """history.sqlite as a reader beside the service sees it."""

    def __init__(self, data):
        self.connection = sqlite3.connect(f"file:{data}/history.sqlite?mode=ro", uri=True, timeout=10)
        self.connection.row_factory = sqlite3.Row

    def __enter__(self):
        self.connection.execute("BEGIN")
        return self

    def __exit__(self, *_):
        self.connection.close()

    def one(self, sql, *arguments):
        return self.connection.execute(sql, arguments).fetchone()[0]

    def all(self, sql, *arguments):
        return self.connection.execute(sql, arguments).fetchall()

    @property
    def lsn(self):
        return self.one("SELECT lsn FROM progress")

    def rows(self):
        """Everything, to be compared with another database of the same log. (Sessions come in the order of the log's frames.)"""
        return {table: [tuple(row) for row in self.all(f"SELECT * FROM {table} ORDER BY 1, 2")] for table in TABLES}

    def check(self, dump):
        """Each closed order, trade, ledger line and action up to the LSN it has is there once, as the log says."""
        model = Model(dump, self.lsn)
        assert self.one("PRAGMA integrity_check") == "ok"
        names = {row["id"]: row for row in self.all("SELECT * FROM instruments")}
        assets = {row["id"]: row["name"] for row in self.all("SELECT * FROM assets")}
        strategies = {None: None, **{row["id"]: row["name"] for row in self.all("SELECT * FROM strategies")}}
        assert [row["name"] for row in self.all("SELECT name FROM wallets ORDER BY id")] == model.wallets
        sessions = {row["number"] for row in self.all("SELECT number FROM sessions")}
        assert model.sessions - {0} <= sessions

        found = {row["id"]: row for row in self.all("SELECT * FROM orders")}
        assert found.keys() == model.orders.keys()
        for id, row in found.items():
            order, info = model.orders[id], names[row["instrument"]]
            scale, unit = D(10) ** -info["price_scale"], D(10) ** -info["quantity_scale"]
            reason = row["reason_text"] or {value: word for word, value in REASONS.items()}.get(row["reason"])
            assert (row["account"], info["symbol"], row["client_id"], row["side"], row["type"], row["tif"]) == (
                order.account, order.symbol, order.client, order.side, order.type, order.tif), id
            assert (row["quantity"] * unit, None if row["price"] is None else row["price"] * scale) == (order.qty, order.price), id
            assert (row["status"], (row["cumulative"] or 0) * unit, D(row["value"] or 0)) == (order.status, order.cum, order.value), id
            assert (row["created"], row["updated"], row["created"] + row["took"]) == (
                order.created, order.updated, order.closed.at), id
            assert (row["expire"] and row["expire"] // 1000, strategies[row["strategy"]], reason) == (
                order.expire, order.strategy, order.reason), id
            assert (row["entered_lsn"], row["entered_session"], row["closed_lsn"], row["closed_session"]) == (
                order.entered.lsn, order.entered.session, order.closed.lsn, order.closed.session), id

        found = {row["id"]: row for row in self.all("SELECT * FROM trades")}
        assert found.keys() == model.trades.keys()
        for id, row in found.items():
            trade, info = model.trades[id], names[row["instrument"]]
            scale, unit = D(10) ** -info["price_scale"], D(10) ** -info["quantity_scale"]
            assert (row["order_id"], row["account"], info["symbol"], row["client_id"], row["side"]) == (
                trade.order, trade.account, trade.symbol, trade.client, trade.side), id
            assert (row["quantity"] * unit, row["price"] * scale, D(row["fee"] or 0), assets[row["fee_asset"]]) == (
                trade.qty, trade.price, trade.fee, trade.feeasset), id
            assert (row["liquidity"], row["exec"], row["time"], row["venue_time"] and row["venue_time"] // 1000) == (
                trade.liquidity, trade.exec, trade.time, trade.venue), id
            assert (strategies[row["strategy"]], D(row["realized"] or 0), row["closing"], row["session"], row["lsn"]) == (
                trade.strategy, trade.realized, trade.closing, trade.session, trade.lsn), id

        found = {(row["lsn"], row["k"]): row for row in self.all("SELECT * FROM ledger")}
        assert found.keys() == model.ledger.keys()
        for place, row in found.items():
            line = model.ledger[place]
            assert (row["time"], row["account"], row["wallet"], assets[row["asset"]], row["kind"], row["session"]) == (
                line.time, line.account, line.wallet, line.asset, line.kind, line.session), place
            assert (D(row["amount"]), D(row["total"] or 0), D(row["held"] or 0)) == (line.amount, line.total, line.held), place
            assert line.available is None or D(row["available"] or 0) == line.available, place
            assert (row["reference"], row["note"], row["order_id"], row["trade"], row["peer_account"], row["peer_wallet"]) == (
                line.reference, line.note, line.order, line.trade, line.peer, line.peer_wallet), place

        found = {row["lsn"]: (row["time"], row["session"], row["kind"], row["account"], row["text"])
                 for row in self.all("SELECT * FROM actions")}
        assert found == model.actions
        return model
