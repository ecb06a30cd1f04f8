"""POST /api/v1/orders as a desk would write it with FastAPI, SQLAlchemy, asyncpg and PostgreSQL: what the service is held against.

One transaction an order: insert it unless its client id is there, check and reserve the balance, commit (synchronous_commit is the server's), answer.
"""

import os
from contextlib import asynccontextmanager
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

import jwt
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import bindparam, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from tables import DATABASE_URL, Amount, Balance, Order

SECRET = os.environ["JWT_SECRET_KEY"]
#: Symbol: base and quote. A desk's instruments are few; they are kept in memory.
INSTRUMENTS = {"BTC-USD": ("BTC", "USD")}

engine = create_async_engine(DATABASE_URL, pool_size=int(os.environ.get("POOL_SIZE", "8")), max_overflow=0)
new_session = async_sessionmaker(engine, expire_on_commit=False)


# Made once: building and hashing a statement takes longer than running it.
PLACE = insert(Order).on_conflict_do_nothing(index_elements=[Order.client_order_id]).returning(Order)
AMOUNT = bindparam("amount", type_=Amount)
RESERVE = (
    update(Balance)
    .where(Balance.account_id == bindparam("account"), Balance.asset == bindparam("asset_name"), Balance.available >= AMOUNT)
    .values(available=Balance.available - AMOUNT, reserved=Balance.reserved + AMOUNT)
    .execution_options(synchronize_session=False)
)


@asynccontextmanager
async def lifespan(_: FastAPI):
    yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)


class Trader(BaseModel):
    sub: str
    accounts: list[int] | Literal["*"]

    def may_trade(self, account: int) -> bool:
        return self.accounts == "*" or account in self.accounts


async def trader(credentials: Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())]) -> Trader:
    try:
        claims = jwt.decode(credentials.credentials, SECRET, algorithms=["HS256"], options={"require": ["exp", "sub"]})
    except jwt.InvalidTokenError as error:
        raise HTTPException(401, "bad token") from error
    if claims.get("type") != "access":
        raise HTTPException(401, "not an access token")
    if "trader" not in claims.get("roles", []):
        raise HTTPException(403, "not a trader")
    return Trader(sub=claims["sub"], accounts=claims.get("accounts", []))


class OrderCreate(BaseModel):
    account_id: int = Field(gt=0)
    symbol: str
    order_type: Literal["limit"]
    side: Literal["buy", "sell"]
    quantity: Decimal = Field(gt=0, max_digits=20, decimal_places=8)
    price: Decimal = Field(gt=0, max_digits=20, decimal_places=2)
    time_in_force: Literal["gtc"] = "gtc"
    client_order_id: str = Field(min_length=1, max_length=64)


class OrderResponse(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    account_id: int
    client_order_id: str
    symbol: str
    order_type: str
    side: str
    status: str
    time_in_force: str
    quantity: Decimal
    price: Decimal
    executed_quantity: Decimal
    created_at: datetime


@app.post("/api/v1/orders", status_code=201)
async def place_order(request: OrderCreate, user: Annotated[Trader, Depends(trader)]) -> OrderResponse:
    if not user.may_trade(request.account_id):
        raise HTTPException(403, "not your account")
    if request.symbol not in INSTRUMENTS:
        raise HTTPException(422, "unknown symbol")
    base, quote = INSTRUMENTS[request.symbol]
    if request.side == "buy":
        asset, amount = quote, request.price * request.quantity
    else:
        asset, amount = base, request.quantity
    async with new_session.begin() as session:
        order = (await session.execute(PLACE, request.model_dump())).scalar()
        if order is None:
            order = await session.scalar(select(Order).where(Order.client_order_id == request.client_order_id))
            if any(getattr(order, name) != value for name, value in request):
                raise HTTPException(409, "this client id has another order")
            return OrderResponse.model_validate(order)
        # Locks the row; a second order on it waits and sees what is left. Leaving by an exception undoes the insertion.
        reserved = await session.execute(RESERVE, {"account": request.account_id, "asset_name": asset, "amount": amount})
        if reserved.rowcount == 0:
            raise HTTPException(422, "insufficient funds")
    return OrderResponse.model_validate(order)
