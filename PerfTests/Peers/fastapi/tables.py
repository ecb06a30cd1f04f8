"""The tables of the peer, and what a run starts with: `python tables.py ACCOUNTS FUNDS` makes them and funds the accounts."""

import asyncio
import os
import sys
from datetime import datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, DateTime, Numeric, String, func, insert
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

DATABASE_URL = os.environ["DATABASE_URL"]
#: Price by quantity: 2 and 8 digits behind the point.
Amount = Numeric(28, 10)


class Base(DeclarativeBase):
    pass


class Balance(Base):
    __tablename__ = "balances"
    # A page is filled to a tenth, so that new versions of a row find room beside it and touch no index.
    __table_args__ = (
        CheckConstraint("available >= 0"),
        CheckConstraint("reserved >= 0"),
        {"postgresql_with": {"fillfactor": 10}},
    )

    account_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    asset: Mapped[str] = mapped_column(String(10), primary_key=True)
    available: Mapped[Decimal] = mapped_column(Amount)
    reserved: Mapped[Decimal] = mapped_column(Amount, default=Decimal(0))


class Order(Base):
    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int]
    client_order_id: Mapped[str] = mapped_column(String(64), unique=True)
    symbol: Mapped[str] = mapped_column(String(20))
    side: Mapped[str] = mapped_column(String(4))
    order_type: Mapped[str] = mapped_column(String(20))
    time_in_force: Mapped[str] = mapped_column(String(3))
    quantity: Mapped[Decimal] = mapped_column(Numeric(20, 8))
    price: Mapped[Decimal] = mapped_column(Numeric(20, 2))
    status: Mapped[str] = mapped_column(String(20), default="submitted")
    executed_quantity: Mapped[Decimal] = mapped_column(Numeric(20, 8), default=Decimal(0))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


async def prepare(accounts: int, funds: Decimal) -> None:
    engine = create_async_engine(DATABASE_URL)
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
        await connection.execute(
            insert(Balance),
            [
                {"account_id": account, "asset": asset, "available": funds}
                for account in range(1, accounts + 1)
                for asset in ("BTC", "USD")
            ],
        )
    await engine.dispose()


if __name__ == "__main__":
    asyncio.run(prepare(int(sys.argv[1]), Decimal(sys.argv[2])))
