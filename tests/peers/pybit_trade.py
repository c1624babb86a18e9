"""pybit over REST: what fills, positions, lists, and every kind of error."""

import time
from decimal import Decimal

from pybit.exceptions import FailedRequestError, InvalidRequestError

from common import Simulator, holds, raises, same
from pybit_desk import SYMBOL, Market, check, refused, rows, session


def position_of(sim, http):
    market = Market(http, "linear")
    by = market.by
    with check("linear: leverage"):
        same(http.set_leverage(**by, buyLeverage="7", sellLeverage="7")["retCode"], 0)
        same(market.position()["leverage"], Decimal(7))
    with check("linear: the same leverage again changes nothing"):
        refused(110043, http.set_leverage, **by, buyLeverage="7", sellLeverage="7")
    with check("linear: a market order fills"):
        order = market.closed_order(market.place(orderType="Market"))
        same((order["orderStatus"], Decimal(order["cumExecQty"])), ("Filled", Decimal("0.01")))
        entry = Decimal(order["avgPrice"])
        holds(abs(entry / market.last - 1) < Decimal("0.02"), entry)
    with check("linear: position"):
        position = market.position()
        same((position["side"], Decimal(position["size"])), ("Buy", Decimal("0.01")))
        same((position["positionIdx"], Decimal(position["avgPrice"])), (0, entry))
        listed = rows(http.get_positions(category="linear", settleCoin="USDT"))
        same([row["symbol"] for row in listed], [SYMBOL])
    with check("linear: execution"):
        fills = rows(http.get_executions(**by, orderId=order["orderId"]))
        same(sum(Decimal(fill["execQty"]) for fill in fills), Decimal("0.01"))
        rate = Decimal(rows(http.get_fee_rates(**by))[0]["takerFeeRate"])
        for fill in fills:
            same((fill["execType"], fill["isMaker"], fill["side"]), ("Trade", False, "Buy"))
            fee = Decimal(fill["execPrice"]) * Decimal(fill["execQty"]) * rate
            same(fill["execFee"], fee)
    with check("linear: wallet after the fill is the simulator's truth"):
        truth = sim.control("truth")
        wallet = rows(http.get_wallet_balance(accountType="UNIFIED", coin="USDT"))[0]
        same(wallet["coin"][0]["walletBalance"], Decimal(truth["cash"]))
        holds(Decimal(wallet["coin"][0]["totalPositionIM"]) > 0)
    with check("linear: trading stop"):
        stop = {"tpslMode": "Full", "positionIdx": 0}
        marks = {"takeProfit": market.price("1.1"), "stopLoss": market.price("0.9")}
        same(http.set_trading_stop(**by, **stop, **marks)["retCode"], 0)
        position = market.position()
        same(Decimal(position["takeProfit"]), Decimal(marks["takeProfit"]))
        same(Decimal(position["stopLoss"]), Decimal(marks["stopLoss"]))
        kinds = {order["stopOrderType"] for order in rows(http.get_open_orders(**by))}
        same(kinds, {"TakeProfit", "StopLoss"})
    with check("linear: the same trading stop again changes nothing"):
        refused(34040, http.set_trading_stop, **by, **stop, **marks)
    with check("linear: trailing stop"):
        same(http.set_trading_stop(**by, **stop, trailingStop="500")["retCode"], 0)
        same(market.position()["trailingStop"], Decimal(500))
    with check("linear: margin is added by itself when asked"):
        same(http.set_auto_add_margin(**by, autoAddMargin=1, positionIdx=0)["retCode"], 0)
        same(market.position()["autoAddMargin"], 1)
    with check("linear: the mode cannot be switched with a position"):
        refused(110024, http.switch_position_mode, category="linear", symbol=SYMBOL, mode=3)
    with check("linear: a reduce-only order closes, the guards go with the position"):
        close = market.closed_order(market.place(orderType="Market", side="Sell", reduceOnly=True))
        same((close["orderStatus"], close["reduceOnly"]), ("Filled", True))
        position = market.position()
        same((position["side"], position["size"], position["takeProfit"]), ("", "0", ""))
        same(rows(http.get_open_orders(**by)), [])
    with check("linear: nothing is left to reduce"):
        refused(110017, market.place, orderType="Market", side="Sell", reduceOnly=True)
    with check("linear: closed pnl"):
        closed = rows(http.get_closed_pnl(**by))
        same((len(closed), closed[0]["orderId"]), (1, close["orderId"]))
        same(closed[0]["closedSize"], Decimal("0.01"))


def guarded(http):
    market = Market(http, "linear")
    with check("linear: an order brings its take-profit and stop-loss"):
        guards = {"takeProfit": market.price("1.2"), "stopLoss": market.price("0.8")}
        waits = market.open_order(market.place(**guards))
        same(waits["takeProfit"], Decimal(guards["takeProfit"]))
        same((Decimal(waits["stopLoss"]), waits["tpslMode"]), (Decimal(guards["stopLoss"]), "Full"))
        market.place(orderType="Market", **guards)
        same(market.position()["takeProfit"], Decimal(guards["takeProfit"]))
        stops = rows(http.get_open_orders(**market.by, orderFilter="StopOrder"))
        same({o["createType"] for o in stops}, {"CreateByTakeProfit", "CreateByStopLoss"})
    with check("linear: IOC and FOK at the market fill"):
        for force in ("IOC", "FOK"):
            order = market.closed_order(
                market.place(timeInForce=force, price=market.price("1.01"), qty="0.001"))
            same((order["orderStatus"], order["timeInForce"]), ("Filled", force))
        same(market.position()["size"], Decimal("0.012"))
    with check("linear: cancel all takes the guards with it"):
        http.cancel_all_orders(category="linear", settleCoin="USDT")
        same(rows(http.get_open_orders(category="linear", settleCoin="USDT")), [])
        same(market.position()["takeProfit"], "")
    with check("linear: close everything with quantity zero"):
        market.place(orderType="Market", side="Sell", qty="0", reduceOnly=True, closeOnTrigger=True)
        same(market.position()["size"], "0")


def hedged(http):
    market = Market(http, "linear")
    by = market.by
    with check("linear: hedge mode"):
        same(http.switch_position_mode(category="linear", symbol=SYMBOL, mode=3)["retCode"], 0)
        refused(110025, http.switch_position_mode, category="linear", symbol=SYMBOL, mode=3)
        refused(10001, market.place)
    with check("linear: two legs"):
        market.place(orderType="Market", positionIdx=1)
        market.place(orderType="Market", side="Sell", qty="0.02", positionIdx=2)
        legs = {p["positionIdx"]: p for p in rows(http.get_positions(**by))}
        same((legs[1]["side"], Decimal(legs[1]["size"])), ("Buy", Decimal("0.01")))
        same((legs[2]["side"], Decimal(legs[2]["size"])), ("Sell", Decimal("0.02")))
    with check("linear: both legs closed, one-way mode again"):
        market.place(orderType="Market", side="Sell", positionIdx=1, reduceOnly=True)
        market.place(orderType="Market", qty="0.02", positionIdx=2, reduceOnly=True)
        same(rows(http.get_positions(category="linear", settleCoin="USDT")), [])
        same(http.switch_position_mode(category="linear", coin="USDT", mode=0)["retCode"], 0)


def spot_trades(http):
    market = Market(http, "spot")
    by = market.by
    with check("spot: market buy by amount"):
        order = market.closed_order(market.place(orderType="Market", qty="1000"))
        holds(order["orderStatus"] in ("Filled", "PartiallyFilledCanceled"), order["orderStatus"])
        holds(Decimal(950) < Decimal(order["cumExecValue"]) <= 1000, order["cumExecValue"])
        bought = Decimal(order["cumExecQty"])
    with check("spot: execution takes its fee in what was bought"):
        fills = rows(http.get_executions(**by, orderId=order["orderId"]))
        same(sum(Decimal(fill["execQty"]) for fill in fills), bought)
        same({fill["feeCurrency"] for fill in fills}, {"BTC"})
        fee = sum(Decimal(fill["execFee"]) for fill in fills)
    with check("spot: wallet holds the coin less the fee"):
        coins = rows(http.get_wallet_balance(accountType="UNIFIED"))[0]["coin"]
        btc = {coin["coin"]: coin for coin in coins}["BTC"]
        same(btc["walletBalance"], bought - fee)
    with check("spot: market buy by quantity"):
        order = market.closed_order(
            market.place(orderType="Market", qty="0.002", marketUnit="baseCoin"))
        same((order["orderStatus"], Decimal(order["cumExecQty"])), ("Filled", Decimal("0.002")))
    with check("spot: IOC and FOK at the market fill"):
        for force in ("IOC", "FOK"):
            order = market.closed_order(
                market.place(timeInForce=force, price=market.price("1.01"), qty="0.001"))
            same(order["orderStatus"], "Filled")
    with check("spot: market sale"):
        order = market.closed_order(market.place(orderType="Market", side="Sell", qty="0.003"))
        same((order["orderStatus"], order["side"]), ("Filled", "Sell"))
        fills = rows(http.get_executions(**by, orderId=order["orderId"]))
        same({fill["feeCurrency"] for fill in fills}, {"USDT"})
    with check("spot: no more can be sold than is there"):
        refused(170131, market.place, side="Sell", qty="5", price=market.price("1.1"))


def lists(sim, http):
    with check("order history page by page"):
        everything = []
        cursor = None
        while cursor != "":
            page = http.get_order_history(category="linear", limit=3, cursor=cursor)["result"]
            everything += [order["orderId"] for order in page["list"]]
            cursor = page["nextPageCursor"] if page["list"] else ""
        same(len(everything), len(set(everything)))
        whole = rows(http.get_order_history(category="linear", limit=50))
        same(everything, [order["orderId"] for order in whole])
        holds(len(whole) > 9, len(whole))
    with check("executions page by page are the simulator's truth"):
        seen, cursor = set(), None
        while cursor != "":
            page = http.get_executions(category="linear", limit=2, cursor=cursor)["result"]
            seen |= {fill["execId"] for fill in page["list"]}
            cursor = page["nextPageCursor"] if page["list"] else ""
        truth = sim.control("truth")["executions"]
        same(seen, {fill["execId"] for fill in truth if fill["category"] == "linear"})


def errors(sim, http):
    linear, spot = Market(http, "linear"), Market(http, "spot")
    with check("error: bad signature"):
        refused(10004, session(sim, secret="wrong").get_account_info)
        refused(10004, session(sim, secret="wrong").place_order, **linear.by, side="Buy",
                orderType="Market", qty="0.01")
    with check("error: bad key"):
        refused(10003, session(sim, key="wrong").get_account_info)
    with check("error: unknown symbol"):
        refused(10001, http.get_tickers, category="linear", symbol="NOSUCHUSDT")
        refused(10001, http.get_kline, category="linear", symbol="NOSUCHUSDT", interval="1")
        refused(170121, http.place_order, category="spot", symbol="NOSUCHUSDT", side="Buy",
                orderType="Market", qty="10")
    with check("error: unknown category"):
        refused(10001, http.get_positions, category="forward", symbol=SYMBOL)
    with check("error: insufficient balance"):
        refused(110007, linear.place, qty="100")
        refused(170131, spot.place, qty="50")
    with check("error: below the smallest value and amount"):
        refused(110094, linear.place, qty="0.001", price="1000")
        refused(170140, spot.place, qty="0.000011")
    with check("error: off the grid"):
        refused(10001, linear.place, price="50000.123")
        refused(170134, spot.place, price="50000.12345")
        refused(170137, spot.place, qty="0.0123456789")
    with check("error: trigger on the wrong side"):
        refused(110092, linear.place, triggerPrice=linear.price("0.9"), triggerDirection=1)
        refused(110093, linear.place, triggerPrice=linear.price("1.1"), triggerDirection=2)
    with check("error: leverage too high"):
        refused(110013, http.set_leverage, **linear.by, buyLeverage="500", sellLeverage="500")
    with check("error: path that does not exist"):
        same(raises(FailedRequestError, http.get_insurance).status_code, 404)
    with check("error: no refused order was made"):
        same(rows(http.get_open_orders(category="linear", settleCoin="USDT")), [])
        same(rows(http.get_open_orders(category="spot")), [])
    with check("rate limit: headers"):
        counted = session(sim, return_response_headers=True)
        answer, _, headers = counted.get_positions(**linear.by)
        same((answer["retCode"], headers["X-Bapi-Limit"]), (0, "50"))
        fields = ("X-Bapi-Limit-Status", "X-Bapi-Limit-Reset-Timestamp")
        holds(all(headers[name].isdigit() for name in fields))


def limits():
    with check("rate limit: the client waits for the reset and goes on"), Simulator() as fresh:
        market = Market(session(fresh), "linear")
        begun = time.monotonic()
        made = {market.place(paced=False, qty="0.001") for _ in range(11)}
        same(len(made), 11)
        holds(time.monotonic() - begun > 0.9)
    with check("rate limit: a batch over the limit is taken in part"), Simulator() as fresh:
        market = Market(session(fresh), "linear")
        order = {"symbol": SYMBOL, "side": "Buy", "orderType": "Limit", "qty": "0.001"}
        order["price"] = market.price("0.9")
        answer = market.http.place_batch_order(category="linear", request=[order] * 12)
        codes = [item["code"] for item in answer["retExtInfo"]["list"]]
        same(codes, [0] * 10 + [10006] * 2)


def clocks():
    for skew in (-30_000, 30_000):
        with check(f"error: clock {-skew // 1000} s away from the venue's"), \
                Simulator("--skew", str(skew)) as far:
            http = session(far, retry_delay=0, max_retries=2)
            error = raises(FailedRequestError, http.get_account_info)
            same(error.status_code, 400)
            impatient = session(far, retry_codes={0})
            same(raises(InvalidRequestError, impatient.get_account_info).status_code, 10002)


def trading(sim, http):
    position_of(sim, http)
    guarded(http)
    hedged(http)
    spot_trades(http)
    lists(sim, http)
    errors(sim, http)
    limits()
    clocks()
