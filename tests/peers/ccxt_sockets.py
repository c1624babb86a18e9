"""ccxt over sockets: watch_* of public and private streams, order entry, refusals."""

import asyncio
from decimal import Decimal

import ccxt
import ccxt.pro

from ccxt_desk import LINEAR, QTY, SPOT, check, exchange, number
from common import BAR, PATIENCE, Simulator, holds, same

NAMES = {LINEAR: "linear", SPOT: "spot"}
DEPTHS = (1, 50, 200)


async def soon(awaited, patience=PATIENCE):
    return await asyncio.wait_for(awaited, patience)


async def heard(watch, wanted, patience=PATIENCE):
    """Watches until what is heard is wanted."""

    async def listen():
        while True:
            answer = await watch()
            if wanted(answer):
                return answer

    return await soon(listen(), patience)


async def raised(kind, awaited):
    """Waits for an exception of a kind."""
    try:
        answer = await soon(awaited)
    except kind as error:
        return error
    raise AssertionError(f"nothing raised, but answered {answer!r}"[:300])


async def books(sim, symbol):
    name = NAMES[symbol]
    for depth in DEPTHS:
        # The client tells books of several depths apart by their sockets only.
        ex = exchange(sim, ccxt.pro.bybit)
        with check(f"{name}: watch_order_book {depth}"):
            times = []
            for _ in range(5):
                book = await soon(ex.watch_order_book(symbol, depth))
                holds(book["bids"][0][0] < book["asks"][0][0])
                holds(0 < len(book["bids"]) <= depth, len(book["bids"]))
                times.append(book["timestamp"])
            same(times, sorted(times))
        if depth == 200:
            with check(f"{name}: the watched book becomes the fetched one"):

                # What is fetched may be older or newer than what is watched: asked until it is not.
                async def equal():
                    while True:
                        seen = await ex.watch_order_book(symbol, depth)
                        fetched = await ex.fetch_order_book(symbol, depth)
                        if (seen["bids"], seen["asks"]) == (fetched["bids"], fetched["asks"]):
                            return True

                holds(await soon(equal()))
        await ex.close()


async def market_data(ex, symbol):
    name = NAMES[symbol]
    with check(f"{name}: watch_ticker"):
        for _ in range(3):
            ticker = await soon(ex.watch_ticker(symbol))
            holds(ticker["low"] <= ticker["last"] <= ticker["high"], ticker)
            same(ticker["symbol"], symbol)
            same(ticker["bid"] is not None, name == "linear")
    with check(f"{name}: watch_bids_asks"):
        best = (await soon(ex.watch_bids_asks([symbol])))[symbol]
        holds(best["bid"] < best["ask"] and best["bidVolume"] > 0)
    with check(f"{name}: watch_trades"):
        trades = await soon(ex.watch_trades(symbol))
        holds(trades and all(t["amount"] > 0 and t["side"] in ("buy", "sell") for t in trades))
    with check(f"{name}: watch_ohlcv grows with the trades"):
        # The client changes its bars in their places.
        first = list((await soon(ex.watch_ohlcv(symbol, "5m")))[-1])
        grown = await heard(lambda: ex.watch_ohlcv(symbol, "5m"), lambda bars: bars[-1] != first)
        # The bar may end before: then the next one grows.
        holds(grown[-1][0] > first[0] or grown[-1][5] > first[5], (first, grown))


async def closed_bar(ex, symbol):
    """Waits for the end of a bar, which another one tells by its start."""
    with check(f"{NAMES[symbol]}: watch_ohlcv closes a bar, which is the fetched one"):
        ended = (await soon(ex.watch_ohlcv(symbol, "1m")))[-1][0]
        await heard(lambda: ex.watch_ohlcv(symbol, "1m"), lambda bars: bars[-1][0] > ended, BAR)
        watched = [bar for bar in ex.ohlcvs[symbol]["1m"] if bar[0] == ended]
        same(watched, await ex.fetch_ohlcv(symbol, "1m", ended, 1))


class Listener:
    """Collects what one watch_* method tells, from the first message on."""

    def __init__(self, watch):
        self.seen = []
        self.news = asyncio.Condition()
        self.task = asyncio.create_task(self.listen(watch))

    async def listen(self, watch):
        while True:
            answer = await watch()
            async with self.news:
                self.seen.extend(answer if isinstance(answer, list) else [answer])
                self.news.notify_all()

    async def row(self, wanted):
        def found():
            if self.task.done():
                self.task.result()
            return [row for row in self.seen if wanted(row)]

        async with self.news:
            await soon(self.news.wait_for(found))
        return found()[0]


async def private(sim, ex):
    positions = None
    with check("linear: watch_positions begins with a snapshot"):
        same(await soon(ex.watch_positions()), [])
        positions = Listener(ex.watch_positions)
    orders, fills = Listener(ex.watch_orders), Listener(ex.watch_my_trades)
    balances = Listener(ex.watch_balance)
    with check("private topics share a socket"):
        await until_subscribed(ex, ("order", "execution", "position", "wallet"))
        same(sim.control("counters")["connects"]["private"], 1)
    for symbol, name in NAMES.items():
        with check(f"{name}: watch_orders"):
            price = await far(ex, symbol, 0.9)
            order_id = (await ex.create_order(symbol, "limit", "buy", QTY, price))["id"]
            told = await orders.row(lambda o: o["id"] == order_id and o["status"] == "open")
            same((told["symbol"], told["price"], told["amount"]), (symbol, price, QTY))
            await ex.cancel_order(order_id, symbol)
            await orders.row(lambda o: o["id"] == order_id and o["status"] == "canceled")
        with check(f"{name}: watch_my_trades"):
            filled = (await ex.create_order(symbol, "market", "buy", QTY))["id"]
            told = await orders.row(lambda o: o["id"] == filled and o["status"] == "closed")
            same(number(told["filled"]), number(QTY))
            fill = await fills.row(lambda f: f["order"] == filled)
            same((fill["symbol"], fill["side"], fill["takerOrMaker"]), (symbol, "buy", "taker"))
            same(fill["fee"]["currency"], {"linear": "USDT", "spot": "BTC"}[name])
        with check(f"{name}: watch_balance"):
            coin = {"linear": "USDT", "spot": "BTC"}[name]
            # The client's total moves with the price of what is held, the balance does not.
            truth, coins = sim.control("truth"), await ex.fetch_balance()
            balance = Decimal(truth["cash"]) if name == "linear" else number(coins[coin]["total"])
            await balances.row(lambda b: balance in [
                Decimal(row["walletBalance"]) for account in b["info"]
                for row in account["coin"] if row["coin"] == coin])
    if positions:
        with check("linear: watch_positions"):
            held = await positions.row(lambda p: p["side"] == "long" and p["contracts"] == QTY)
            same(held["symbol"], LINEAR)
            holds(held["entryPrice"] > 0)
            await ex.create_order(LINEAR, "market", "sell", QTY, None, {"reduceOnly": True})
            await positions.row(lambda p: p["contracts"] == 0)
    return orders


async def until_subscribed(ex, topics):
    """Waits for the subscriptions: an order before them would not be told."""
    client = ex.clients[ex.urls["api"]["ws"]["private"]["contract"]]

    def asked():
        lists = (s.get("topics", []) for s in client.subscriptions.values() if isinstance(s, dict))
        return {topic for some in lists for topic in some}

    async def wait():
        while not set(topics) <= asked():
            await asyncio.sleep(0)

    await soon(wait())
    # They are carried out in order, so the answer to a later request is behind them.
    await client.send({"op": "ping", "req_id": "after"})
    before = client.lastPong

    async def pong():
        while client.lastPong == before:
            await asyncio.sleep(0)

    await soon(pong())


async def far(ex, symbol, part):
    last = (await ex.fetch_ticker(symbol))["last"]
    return float(ex.price_to_precision(symbol, last * part))


async def entry(ex, orders):
    for symbol, name in NAMES.items():
        with check(f"{name}: create_order_ws"):
            price = await far(ex, symbol, 0.9)
            params = {"clientOrderId": f"ws-{name}"}
            made = await soon(ex.create_order_ws(symbol, "limit", "buy", QTY, price, params))
            same(made["clientOrderId"], f"ws-{name}")
            await orders.row(lambda o: o["id"] == made["id"] and o["status"] == "open")
        with check(f"{name}: order entry raises the client's exceptions"):
            again = ex.create_order_ws(symbol, "limit", "buy", QTY, price, params)
            code = {"linear": "110072", "spot": "170141"}[name]
            holds(code in str(await raised(ccxt.InvalidOrder, again)))
            await raised(ccxt.InsufficientFunds,
                         ex.create_order_ws(symbol, "limit", "buy", 60, price))
            await raised(ccxt.OrderNotFound, ex.cancel_order_ws("1", symbol))
        with check(f"{name}: edit_order_ws"):
            lower = await far(ex, symbol, 0.8)
            edited = await soon(ex.edit_order_ws(made["id"], symbol, "limit", "buy", QTY, lower))
            same(edited["id"], made["id"])
            await orders.row(lambda o: o["id"] == made["id"] and o["price"] == lower)
        with check(f"{name}: cancel_order_ws"):
            same((await soon(ex.cancel_order_ws(made["id"], symbol)))["id"], made["id"])
            await orders.row(lambda o: o["id"] == made["id"] and o["status"] == "canceled")
        with check(f"{name}: market order by create_order_ws"):
            sold = await soon(ex.create_order_ws(symbol, "market", "buy", QTY))
            told = await orders.row(lambda o: o["id"] == sold["id"] and o["status"] == "closed")
            same(number(told["filled"]), number(QTY))


async def refusals(sim):
    with check("error: a bad signature is refused on a socket"):
        wrong = exchange(sim, ccxt.pro.bybit)
        await wrong.load_markets()
        # The keys are right until REST has told what account it is.
        await wrong.is_unified_enabled()
        wrong.secret = "wrong"
        await raised(ccxt.ExchangeError, wrong.watch_orders())
        same(sim.control("counters")["auths"]["private"]["refused"], 1)
        await wrong.close()
    with check("error: an unknown topic is refused"):
        ex = exchange(sim, ccxt.pro.bybit)
        await ex.load_markets()
        ex.markets[LINEAR]["id"] = "NOSUCHUSDT"
        error = await raised(ccxt.ExchangeError, ex.watch_trades(LINEAR))
        holds("handler not found" in str(error), error)
        await ex.close()


async def main():
    with Simulator() as sim:
        ex = exchange(sim, ccxt.pro.bybit)
        await ex.load_markets()
        # A bar takes its time; the rest goes on meanwhile.
        bars = [asyncio.create_task(closed_bar(ex, symbol)) for symbol in NAMES]
        for symbol in NAMES:
            await books(sim, symbol)
            await market_data(ex, symbol)
        orders = await private(sim, ex)
        await entry(ex, orders)
        await refusals(sim)
        await asyncio.gather(*bars)
        await ex.close()


if __name__ == "__main__":
    asyncio.run(main())
    check.exit()
