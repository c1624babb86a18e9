"""ccxt over REST: the unified methods on spot and linear, and its exceptions."""

import time
from decimal import Decimal

import ccxt

from ccxt_desk import LINEAR, QTY, SPOT, check, exchange, number
from common import CAPITAL, Simulator, fields, holds, raises, same

NAMES = {LINEAR: "linear", SPOT: "spot"}


def far(ex, symbol, part):
    """A price that is this part of the last one."""
    return float(ex.price_to_precision(symbol, ex.fetch_ticker(symbol)["last"] * part))


def buy(ex, symbol, part=0.9, amount=QTY, kind="limit", **params):
    price = far(ex, symbol, part) if kind == "limit" else None
    return ex.create_order(symbol, kind, "buy", amount, price, params)["id"]


def found(ex, symbol, order_id):
    return ex.fetch_order(order_id, symbol, {"acknowledged": True})


def markets(ex):
    with check("load_markets"):
        ex.load_markets()
        same(sorted(ex.symbols), ["BTC/USDT", "BTC/USDT:USDT", "ETH/USDT", "ETH/USDT:USDT",
                                  "SOL/USDT:USDT", "XRP/USDT:USDT"])
        linear, spot = ex.market(LINEAR), ex.market(SPOT)
        same((linear["type"], linear["linear"], linear["settle"]), ("swap", True, "USDT"))
        same((spot["type"], spot["spot"], spot["active"]), ("spot", True, True))
        same(number(linear["precision"]["amount"]), Decimal("0.001"))
        holds(linear["limits"]["leverage"]["max"] >= 50)
        holds(spot["limits"]["cost"]["min"] > 0)
    with check("fetch_currencies"):
        holds({"USDT", "BTC", "ETH"} <= set(ex.fetch_currencies()))
    with check("fetch_time"):
        holds(abs(ex.fetch_time() / 1000 - time.time()) < 5)


def market_data(ex, symbol):
    name = NAMES[symbol]
    with check(f"{name}: fetch_ticker"):
        ticker = ex.fetch_ticker(symbol)
        same(ticker["symbol"], symbol)
        holds(ticker["bid"] < ticker["ask"] and ticker["low"] <= ticker["last"] <= ticker["high"])
        holds(ticker["baseVolume"] > 0 and ticker["quoteVolume"] > 0)
    with check(f"{name}: fetch_tickers"):
        tickers = ex.fetch_tickers(params={"category": name})
        same(len(tickers), {"linear": 4, "spot": 2}[name])
        holds(symbol in tickers)
    with check(f"{name}: fetch_order_book"):
        book = ex.fetch_order_book(symbol, 50)
        holds(book["bids"][0][0] < book["asks"][0][0])
        holds(len(book["bids"]) >= 20 and book["timestamp"])
        same(book["bids"], sorted(book["bids"], reverse=True))
    with check(f"{name}: fetch_trades"):
        trades = ex.fetch_trades(symbol, limit=20)
        holds(0 < len(trades) <= 20, len(trades))
        holds(all(t["side"] in ("buy", "sell") and t["amount"] > 0 for t in trades))
        same(len({t["id"] for t in trades}), len(trades))
    for frame, ms in [("1m", 60_000), ("5m", 300_000), ("1h", 3_600_000)]:
        with check(f"{name}: fetch_ohlcv {frame}"):
            bars = ex.fetch_ohlcv(symbol, frame, limit=10)
            same([bar[0] for bar in bars], [bars[0][0] + k * ms for k in range(10)])
            for _, o, h, low, c, v in bars:
                holds(low <= min(o, c) <= max(o, c) <= h and v >= 0)
    with check(f"{name}: fetch_ohlcv since"):
        since = bars[0][0] - 5 * 3_600_000
        same([b[0] for b in ex.fetch_ohlcv(symbol, "1h", since, 3)], [since + k * 3_600_000 for k in range(3)])


def contract_data(ex):
    with check("linear: fetch_funding_rate"):
        rate = ex.fetch_funding_rate(LINEAR)
        holds(abs(rate["fundingRate"]) < 0.01 and rate["fundingTimestamp"] > ex.fetch_time())
        holds(rate["markPrice"] > 0)
    with check("linear: fetch_funding_rate_history"):
        paid = ex.fetch_funding_rate_history(LINEAR, limit=5)
        same(len(paid), 5)
        holds(all(row["symbol"] == LINEAR for row in paid))
    with check("linear: fetch_mark_ohlcv"):
        same(len(ex.fetch_mark_ohlcv(LINEAR, "5m", limit=4)), 4)


def account(ex):
    with check("fetch_balance"):
        balance = ex.fetch_balance()
        same(number(balance["USDT"]["total"]), Decimal(CAPITAL))
        same(number(balance["USDT"]["free"]), Decimal(CAPITAL))
        holds("BTC" not in balance or balance["BTC"]["total"] == 0)
    for symbol, name in NAMES.items():
        with check(f"{name}: fetch_trading_fee"):
            fee = ex.fetch_trading_fee(symbol)
            same(fee["symbol"], symbol)
            holds(0 < fee["maker"] <= fee["taker"] < 0.01)
    with check("set_margin_mode to isolated and back"):
        same(ex.set_margin_mode("isolated")["retCode"], 0)
        same(ex.set_margin_mode("cross")["retCode"], 0)


def resting(ex, symbol):
    name = NAMES[symbol]
    with check(f"{name}: create_order limit"):
        order_id = buy(ex, symbol, clientOrderId=f"cc-{name}")
        order = ex.fetch_open_order(order_id, symbol)
        same((order["status"], order["type"], order["side"]), ("open", "limit", "buy"))
        same((order["clientOrderId"], order["amount"], order["filled"]), (f"cc-{name}", QTY, 0))
        same(order["timeInForce"], "GTC")
    with check(f"{name}: a client's name is taken once"):
        error = raises(ccxt.InvalidOrder, buy, ex, symbol, clientOrderId=f"cc-{name}")
        holds({"linear": "110072", "spot": "170141"}[name] in str(error), error)
    with check(f"{name}: edit_order"):
        price = far(ex, symbol, 0.85)
        same(ex.edit_order(order_id, symbol, "limit", "buy", 2 * QTY, price)["id"], order_id)
        order = found(ex, symbol, order_id)
        same((order["price"], order["amount"]), (price, 2 * QTY))
    with check(f"{name}: fetch_open_orders"):
        same([o["id"] for o in ex.fetch_open_orders(symbol)], [order_id])
    with check(f"{name}: cancel_order"):
        same(ex.cancel_order(order_id, symbol)["id"], order_id)
        same(found(ex, symbol, order_id)["status"], "canceled")
        same(ex.fetch_open_orders(symbol), [])
        holds(order_id in [o["id"] for o in ex.fetch_canceled_orders(symbol)])
    with check(f"{name}: a second cancel is OrderNotFound"):
        raises(ccxt.OrderNotFound, ex.cancel_order, order_id, symbol)
    with check(f"{name}: post-only, IOC and FOK"):
        rests = buy(ex, symbol, postOnly=True)
        same(found(ex, symbol, rests)["postOnly"], True)
        for params in ({"timeInForce": "IOC"}, {"timeInForce": "FOK"}):
            same(found(ex, symbol, buy(ex, symbol, **params))["status"], "canceled")
        same(found(ex, symbol, buy(ex, symbol, part=1.02, postOnly=True))["status"], "canceled")
        filled = found(ex, symbol, buy(ex, symbol, part=1.02, timeInForce="IOC"))
        same((filled["status"], filled["filled"]), ("closed", QTY))
    with check(f"{name}: trigger order"):
        more = {"triggerDirection": "ascending"} if name == "linear" else {}
        stop = buy(ex, symbol, triggerPrice=far(ex, symbol, 1.2), **more)
        seen = ex.fetch_open_orders(symbol, params={"trigger": True})
        same([(o["id"], o["status"]) for o in seen], [(stop, "open")])
        holds(seen[0]["triggerPrice"] > seen[0]["price"])
        ex.cancel_order(stop, symbol, {"trigger": True})
        same(ex.fetch_open_orders(symbol, params={"trigger": True}), [])
    with check(f"{name}: cancel_all_orders"):
        other = buy(ex, symbol, part=0.8)
        same({o["id"] for o in ex.cancel_all_orders(symbol)}, {rests, other})
        same(ex.fetch_open_orders(symbol), [])
    with check(f"{name}: create_orders, edit_orders, cancel_orders"):
        price = far(ex, symbol, 0.9)
        order = {"symbol": symbol, "type": "limit", "side": "buy", "amount": QTY, "price": price}
        made = [o["id"] for o in ex.create_orders([order, order])]
        same(len(set(made)), 2)
        ex.edit_orders([order | {"id": made[0], "price": far(ex, symbol, 0.8)}])
        same({o["price"] < price for o in ex.fetch_open_orders(symbol)}, {True, False})
        ex.cancel_orders(made, symbol)
        same(ex.fetch_open_orders(symbol), [])


def contract_position(ex):
    with check("linear: set_leverage"):
        same(ex.set_leverage(8, LINEAR)["retCode"], 0)
        same(ex.fetch_leverage(LINEAR)["longLeverage"], 8)
        raises(ccxt.BadRequest, ex.set_leverage, 8, LINEAR)
    with check("linear: fetch_position"):
        held = ex.fetch_position(LINEAR)
        same((held["side"], held["contracts"], held["leverage"]), ("long", QTY, 8))
        holds(held["entryPrice"] > 0 and held["markPrice"] > 0)
    with check("linear: fetch_positions"):
        same([p["symbol"] for p in ex.fetch_positions()], [LINEAR])
        same(ex.fetch_positions(None, {"subType": "inverse"}), [])
    with check("linear: market order with take-profit and stop-loss"):
        up, down = far(ex, LINEAR, 1.3), far(ex, LINEAR, 0.7)
        order = found(ex, LINEAR, buy(ex, LINEAR, kind="market",
                                      takeProfit={"triggerPrice": up}, stopLoss={"triggerPrice": down}))
        same((order["status"], order["filled"]), ("closed", QTY))
        held = ex.fetch_position(LINEAR)
        same((held["contracts"], held["takeProfitPrice"], held["stopLossPrice"]), (2 * QTY, up, down))
    with check("linear: trading stop"):
        down = far(ex, LINEAR, 0.75)
        ex.create_order(LINEAR, "market", "sell", 0, None, {
            "stopLossPrice": down, "tradingStopEndpoint": True})
        same(ex.fetch_position(LINEAR)["stopLossPrice"], down)
    with check("linear: trailing order"):
        ex.create_trailing_amount_order(LINEAR, "market", "sell", 0, None, 700, None)
        same(number(ex.fetch_position(LINEAR)["info"]["trailingStop"]), Decimal(700))
    with check("linear: fetch_my_trades"):
        fills = ex.fetch_my_trades(LINEAR)
        same(number(sum(fill["amount"] for fill in fills)), number(2 * QTY))
        same({(f["side"], f["takerOrMaker"], f["fee"]["currency"]) for f in fills},
             {("buy", "taker", "USDT")})
    with check("linear: fetch_order_trades and fetch_closed_order"):
        same({fill["order"] for fill in ex.fetch_order_trades(order["id"], LINEAR)}, {order["id"]})
        same(ex.fetch_closed_order(order["id"], LINEAR)["average"], order["average"])
    with check("linear: a reduce-only order closes"):
        close = ex.create_order(LINEAR, "market", "sell", 2 * QTY, None, {"reduceOnly": True})
        same(found(ex, LINEAR, close["id"])["reduceOnly"], True)
        same(ex.fetch_positions([LINEAR])[0]["contracts"], 0)
        same(ex.fetch_positions(), [])
        same(ex.fetch_open_orders(LINEAR), [])
    with check("linear: fetch_positions_history"):
        past = ex.fetch_positions_history([LINEAR])
        holds(past and all(p["symbol"] == LINEAR for p in past), past)
    with check("linear: set_position_mode to hedged and back"):
        same(ex.set_position_mode(True, LINEAR)["retCode"], 0)
        raises(ccxt.BadRequest, buy, ex, LINEAR)
        buy(ex, LINEAR, kind="market", hedged=True)
        same({p["side"] for p in ex.fetch_positions()}, {"long"})
        ex.create_order(LINEAR, "market", "sell", QTY, None, {"hedged": True, "reduceOnly": True})
        same(ex.set_position_mode(False, LINEAR)["retCode"], 0)
        raises(ccxt.NoChange, ex.set_position_mode, False, LINEAR)


def spot_trades(ex):
    with check("spot: market buy by cost"):
        order = found(ex, SPOT, ex.create_market_buy_order_with_cost(SPOT, 500)["id"])
        same(order["status"] in ("closed", "canceled"), True)
        holds(450 < order["cost"] <= 500, order["cost"])
    with check("spot: market sale"):
        order = found(ex, SPOT, ex.create_order(SPOT, "market", "sell", QTY)["id"])
        same((order["status"], order["filled"]), ("closed", QTY))
    with check("spot: fetch_my_trades"):
        fees = {(f["side"], f["fee"]["currency"]) for f in ex.fetch_my_trades(SPOT)}
        same(fees, {("buy", "BTC"), ("sell", "USDT")})
    with check("spot: fetch_closed_orders"):
        holds(order["id"] in [o["id"] for o in ex.fetch_closed_orders(SPOT)])
    with check("spot: fetch_balance holds what is left"):
        holds(0 < ex.fetch_balance()["BTC"]["total"] < QTY)


def errors(sim, ex):
    for symbol, name in NAMES.items():
        with check(f"{name}: InsufficientFunds"):
            raises(ccxt.InsufficientFunds, buy, ex, symbol, amount=60)
    with check("InvalidOrder below the smallest value"):
        raises(ccxt.InvalidOrder, buy, ex, LINEAR, part=0.01, amount=0.001)
    with check("BadSymbol and BadRequest for an unknown symbol"):
        raises(ccxt.BadSymbol, ex.fetch_ticker, "NOSUCH/USDT")
        raises(ccxt.BadRequest, ex.public_get_v5_market_tickers, {"category": "linear", "symbol": "X"})
    with check("AuthenticationError for a bad signature"):
        raises(ccxt.AuthenticationError, exchange(sim, ccxt.bybit, secret="wrong").fetch_balance)
    with check("AuthenticationError for a bad key"):
        raises(ccxt.AuthenticationError, exchange(sim, ccxt.bybit, key="wrong").fetch_balance)
    for skew in (-30_000, 30_000):
        with check(f"InvalidNonce for a clock {-skew // 1000} s away, and its cure"), \
                Simulator("--skew", str(skew)) as other:
            raises(ccxt.InvalidNonce, exchange(other, ccxt.bybit).fetch_balance)
            cured = exchange(other, ccxt.bybit, adjustForTimeDifference=True)
            cured.load_time_difference()
            same(number(cured.fetch_balance()["USDT"]["total"]), Decimal(CAPITAL))


def main():
    with Simulator() as sim:
        ex = exchange(sim, ccxt.bybit)
        markets(ex)
        for symbol in NAMES:
            market_data(ex, symbol)
        contract_data(ex)
        account(ex)
        for symbol in NAMES:
            resting(ex, symbol)
        contract_position(ex)
        spot_trades(ex)
        errors(sim, ex)


if __name__ == "__main__":
    main()
    check.exit()
