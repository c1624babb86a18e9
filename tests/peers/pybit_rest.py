"""pybit, the venue's own client, over REST: market data, account, resting orders, batches."""

import time
from decimal import Decimal

from common import CAPITAL, KEY, Simulator, fields, holds, same
from pybit_desk import QTY, SYMBOL, Market, check, refused, rows, session
from pybit_trade import trading


def time_and_instruments(http):
    with check("server time"):
        answer = http.get_server_time()
        second = int(answer["result"]["timeSecond"])
        holds(abs(second - time.time()) < 5, second)
        same(int(answer["result"]["timeNano"]) // 10**9, second)
        same(answer["time"] // 1000, second)
    with check("linear instruments"):
        listed = rows(http.get_instruments_info(category="linear"))
        same([i["symbol"] for i in listed], ["BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT"])
        btc = listed[0]
        same(btc["contractType"], "LinearPerpetual")
        same((btc["status"], btc["settleCoin"], btc["baseCoin"]), ("Trading", "USDT", "BTC"))
        same(btc["lotSizeFilter"]["qtyStep"], Decimal("0.001"))
        holds(Decimal(btc["priceFilter"]["tickSize"]) > 0)
        fields(btc["leverageFilter"], "minLeverage maxLeverage leverageStep")
    with check("spot instruments"):
        listed = rows(http.get_instruments_info(category="spot"))
        same([i["symbol"] for i in listed], ["BTCUSDT", "ETHUSDT"])
        fields(listed[0]["lotSizeFilter"], "basePrecision quotePrecision minOrderAmt")
        holds("leverageFilter" not in listed[0] and "qtyStep" not in listed[0]["lotSizeFilter"])
    with check("instruments page by page"):
        first = http.get_instruments_info(category="linear", limit=3)["result"]
        second = http.get_instruments_info(
            category="linear", limit=3, cursor=first["nextPageCursor"]
        )["result"]
        same([len(first["list"]), len(second["list"])], [3, 1])
        same(second["nextPageCursor"], "")
    with check("no instruments before their launch"):
        same(rows(http.get_instruments_info(category="linear", status="PreLaunch")), [])


def market_data(http, category):
    by = {"category": category, "symbol": SYMBOL}
    for code, minutes in [("1", 1), ("5", 5), ("60", 60)]:
        with check(f"{category} klines of {minutes} minutes"):
            before = http.get_server_time()["time"]
            bars = rows(http.get_kline(**by, interval=code, limit=20))
            after = http.get_server_time()["time"]
            same(len(bars), 20)
            starts = [int(bar[0]) for bar in bars]
            step = minutes * 60_000
            same(starts, [starts[0] - k * step for k in range(20)])
            holds(before - before % step <= starts[0] <= after, (before, starts[0], after))
            for _, o, h, low, c, v, turnover in bars:
                o, h, low, c = map(Decimal, (o, h, low, c))
                holds(low <= min(o, c) and max(o, c) <= h, (o, h, low, c))
                holds(Decimal(v) >= 0 and Decimal(turnover) >= 0)
    with check(f"{category} klines by start and end"):
        last = int(rows(http.get_kline(**by, interval="5", limit=1))[0][0])
        span = {"start": last - 10 * 300_000, "end": last - 6 * 300_000}
        bars = rows(http.get_kline(**by, interval="5", **span))
        same([int(bar[0]) for bar in bars], list(range(span["end"], span["start"] - 1, -300_000)))
    with check(f"{category} book"):
        book = http.get_orderbook(**by, limit=50)["result"]
        same(book["s"], SYMBOL)
        bids = [Decimal(price) for price, _ in book["b"]]
        asks = [Decimal(price) for price, _ in book["a"]]
        holds(len(bids) >= 20 and len(asks) >= 20, (len(bids), len(asks)))
        same((bids, asks), (sorted(bids, reverse=True), sorted(asks)))
        holds(bids[0] < asks[0], (bids[0], asks[0]))
        holds(isinstance(book["u"], int) and isinstance(book["ts"], int))
    with check(f"{category} book of its ordinary depth"):
        same(len(http.get_orderbook(**by)["result"]["b"]), 1 if category == "spot" else 25)
    with check(f"{category} ticker"):
        ticker = rows(http.get_tickers(**by))[0]
        holds(Decimal(ticker["bid1Price"]) < Decimal(ticker["ask1Price"]))
        last, high, low = (Decimal(ticker[k]) for k in ("lastPrice", "highPrice24h", "lowPrice24h"))
        holds(low <= last <= high, (low, last, high))
        holds(Decimal(ticker["volume24h"]) > 0 and Decimal(ticker["turnover24h"]) > 0)
        if category == "linear":
            fields(ticker, "markPrice indexPrice fundingRate nextFundingTime openInterest")
    with check(f"{category} tickers of all symbols"):
        same(len(rows(http.get_tickers(category=category))), 4 if category == "linear" else 2)
    with check(f"{category} recent trades"):
        trades = rows(http.get_public_trade_history(**by, limit=10))
        holds(0 < len(trades) <= 10, len(trades))
        times = [int(trade["time"]) for trade in trades]
        same(times, sorted(times, reverse=True))
        fields(trades[0], "execId price size side isBlockTrade")
        same(len({trade["execId"] for trade in trades}), len(trades))


def contract_data(http):
    by = {"category": "linear", "symbol": SYMBOL}
    with check("linear mark price klines"):
        same([len(row) for row in rows(http.get_mark_price_kline(**by, interval="5", limit=3))], [5] * 3)
    with check("linear index price klines"):
        same(len(rows(http.get_index_price_kline(**by, interval="5", limit=3))), 3)
    with check("linear funding history"):
        paid = rows(http.get_funding_rate_history(**by, limit=5))
        same(len(paid), 5)
        times = [int(row["fundingRateTimestamp"]) for row in paid]
        same(times, [times[0] - k * 8 * 3_600_000 for k in range(5)])


def account(http):
    with check("wallet"):
        wallet = rows(http.get_wallet_balance(accountType="UNIFIED"))[0]
        same(wallet["totalEquity"], Decimal(CAPITAL))
        usdt = wallet["coin"][0]
        same((usdt["coin"], Decimal(usdt["walletBalance"])), ("USDT", Decimal(CAPITAL)))
        same(usdt["availableToWithdraw"], "")
    with check("account info"):
        info = http.get_account_info()["result"]
        same((info["marginMode"], info["unifiedMarginStatus"]), ("REGULAR_MARGIN", 6))
    with check("api key info"):
        key = http.get_api_key_information()["result"]
        same((key["apiKey"], key["readOnly"], key["uta"]), (KEY, 0, 1))
        same(key["permissions"]["ContractTrade"], ["Order", "Position"])
        same(key["permissions"]["Spot"], ["SpotTrade"])
        holds("Withdraw" not in key["permissions"]["Wallet"])
    for category in ("linear", "spot"):
        with check(f"{category} fee rates"):
            fee = rows(http.get_fee_rates(category=category, symbol=SYMBOL))[0]
            same(fee["symbol"], SYMBOL)
            holds(Decimal(fee["makerFeeRate"]) <= Decimal(fee["takerFeeRate"]) < Decimal("0.01"))
    with check("disconnect protection is not armed"):
        same(http.query_dcp_info()["result"]["dcpInfos"], [])
    with check("margin mode to isolated and back"):
        same(http.set_margin_mode(setMarginMode="ISOLATED_MARGIN")["retCode"], 0)
        same(http.get_account_info()["result"]["marginMode"], "ISOLATED_MARGIN")
        same(http.set_margin_mode(setMarginMode="REGULAR_MARGIN")["retCode"], 0)
    with check("markets without holdings are empty"):
        same(rows(http.get_positions(category="inverse", symbol="BTCUSD")), [])
        same(rows(http.get_open_orders(category="option")), [])


def resting_orders(http, category):
    market = Market(http, category)
    by, qty, unknown = market.by, QTY[category], {"linear": 110001, "spot": 170213}[category]
    link = f"peer-{category}"
    with check(f"{category}: place limit order"):
        order_id = market.place(orderLinkId=link)
        order = market.open_order(order_id)
        same((order["orderStatus"], order["orderType"], order["side"]), ("New", "Limit", "Buy"))
        same((order["orderLinkId"], order["timeInForce"], order["avgPrice"]), (link, "GTC", "0"))
        same(order["price"], Decimal(market.price("0.9")))
        same(order["leavesQty"], Decimal(qty))
        same("tpslMode" in order, category == "linear")
    with check(f"{category}: a name is taken once"):
        refused({"linear": 110072, "spot": 170141}[category], market.place, orderLinkId=link)
        same(len(rows(http.get_open_orders(**by))), 1)
    with check(f"{category}: amend price and quantity"):
        more = str(2 * Decimal(qty))
        answer = http.amend_order(**by, orderId=order_id, price=market.price("0.91"), qty=more)
        same(answer["result"]["orderId"], order_id)
        order = market.open_order(order_id)
        same(order["price"], Decimal(market.price("0.91")))
        same((Decimal(order["qty"]), order["orderStatus"]), (Decimal(more), "New"))
    with check(f"{category}: amend by the client's name"):
        http.amend_order(**by, orderLinkId=link, price=market.price("0.89"))
        same(market.open_order(order_id)["price"], Decimal(market.price("0.89")))
    with check(f"{category}: cancel"):
        same(http.cancel_order(**by, orderId=order_id)["result"]["orderId"], order_id)
        order = market.closed_order(order_id)
        same((order["orderStatus"], order["cancelType"]), ("Cancelled", "CancelByUser"))
        same((order["leavesQty"], order["cumExecQty"]), ("0", "0"))
    with check(f"{category}: a second cancel finds nothing"):
        refused(unknown, http.cancel_order, **by, orderId=order_id)
        refused(unknown, http.amend_order, **by, orderId=order_id, price=market.price("0.8"))
    with check(f"{category}: post-only rests, and is cancelled where it would take"):
        rests = market.place(timeInForce="PostOnly")
        same(market.open_order(rests)["timeInForce"], "PostOnly")
        takes = market.closed_order(market.place(timeInForce="PostOnly", price=market.price("1.01")))
        same((takes["orderStatus"], takes["cumExecQty"]), ("Cancelled", "0"))
        same(takes["rejectReason"], "EC_PostOnlyWillTakeLiquidity")
    with check(f"{category}: IOC and FOK away from the market are cancelled"):
        reasons = {"IOC": "EC_NoImmediateQtyToFill", "FOK": "EC_CancelForNoFullFill"}
        for force, reason in reasons.items():
            order = market.closed_order(market.place(timeInForce=force))
            same((order["orderStatus"], order["rejectReason"]), ("Cancelled", reason))
    with check(f"{category}: conditional order waits, is amended and cancelled"):
        more = {"linear": {"triggerDirection": 1},
                "spot": {"orderFilter": "StopOrder", "marketUnit": "baseCoin"}}[category]
        stop = market.place(orderType="Market", triggerPrice=market.price("1.1"), **more)
        order = market.open_order(stop)
        same((order["orderStatus"], order["stopOrderType"]), ("Untriggered", "Stop"))
        same(order["triggerPrice"], Decimal(market.price("1.1")))
        http.amend_order(**by, orderId=stop, triggerPrice=market.price("1.12"))
        same(market.open_order(stop)["triggerPrice"], Decimal(market.price("1.12")))
        kind = {"orderFilter": "StopOrder"} if category == "spot" else {}
        http.cancel_order(**by, orderId=stop, **kind)
        ended = "Deactivated" if category == "spot" else "Cancelled"
        same(market.closed_order(stop)["orderStatus"], ended)
    with check(f"{category}: cancel all"):
        second = market.place()
        answer = http.cancel_all_orders(**by)
        same({row["orderId"] for row in answer["result"]["list"]}, {rests, second})
        same(rows(http.get_open_orders(**by)), [])


def batches(http, category):
    market = Market(http, category)
    with check(f"{category}: batch create, one of three refused"):
        order = {"symbol": SYMBOL, "side": "Buy", "orderType": "Limit", "qty": QTY[category]}
        prices = [market.price("0.90"), market.price("0.91"), market.price("0.92")]
        request = [order | {"price": price, "orderLinkId": f"b-{category}-{k}"}
                   for k, price in enumerate(prices)]
        request[1] |= {"qty": "0"}
        answer = http.place_batch_order(category=category, request=request)
        codes = [item["code"] for item in answer["retExtInfo"]["list"]]
        holds(codes[0] == 0 and codes[1] != 0 and codes[2] == 0, codes)
        made = [row["orderId"] for row in answer["result"]["list"]]
        same([bool(order_id) for order_id in made], [True, False, True])
        same(len(rows(http.get_open_orders(**market.by))), 2)
    with check(f"{category}: batch amend"):
        price = market.price("0.93")
        request = [{"symbol": SYMBOL, "orderId": made[k], "price": price} for k in (0, 2)]
        answer = http.amend_batch_order(category=category, request=request)
        same([item["code"] for item in answer["retExtInfo"]["list"]], [0, 0])
        same({Decimal(o["price"]) for o in rows(http.get_open_orders(**market.by))}, {Decimal(price)})
    with check(f"{category}: batch cancel, one of three unknown"):
        request = [{"symbol": SYMBOL, "orderId": order_id} for order_id in (made[0], "1", made[2])]
        answer = http.cancel_batch_order(category=category, request=request)
        codes = [item["code"] for item in answer["retExtInfo"]["list"]]
        holds(codes[0] == 0 and codes[1] != 0 and codes[2] == 0, codes)
        same(rows(http.get_open_orders(**market.by)), [])


if __name__ == "__main__":
    with Simulator() as sim:
        http = session(sim)
        time_and_instruments(http)
        for category in ("linear", "spot"):
            market_data(http, category)
        contract_data(http)
        account(http)
        for category in ("linear", "spot"):
            resting_orders(http, category)
            batches(http, category)
        trading(sim, http)
    check.exit()
