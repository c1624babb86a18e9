"""pybit over sockets: public and private streams, order entry, a lost connection."""

import copy
import itertools
import threading
from decimal import Decimal

import pybit._websocket_trading
import pybit.unified_trading
from pybit.unified_trading import WebSocket, WebSocketTrading

from common import BAR, KEY, SECRET, Inbox, Simulator, fields, holds, same, until
from pybit_desk import QTY, SYMBOL, Market, check, rows, session

DEPTHS = (1, 50, 200)
# Often enough for some rounds in a minute.
PINGS = {"ping_interval": 5, "ping_timeout": 4}


class Gate:
    """Lets no answer in before its request has been noted.

    The client notes a request after sending it, so it loses an answer that comes at once, as one
    over the loopback can. Nothing else of the client is different.
    """

    def __init__(self, *args, **kwargs):
        self.gate = threading.RLock()
        super().__init__(*args, **kwargs)

    def _on_message(self, message):
        with self.gate:
            super()._on_message(message)

    def subscribe(self, *args, **kwargs):
        with self.gate:
            super().subscribe(*args, **kwargs)

    def _send_order_operation(self, *args, **kwargs):
        with self.gate:
            super()._send_order_operation(*args, **kwargs)


class Streams(Gate, WebSocket):
    """The client's streams."""


class OrderEntry(Gate, WebSocketTrading):
    """The client's order entry."""


def aim(sim):
    """Points the client's sockets at the simulator."""
    pybit.unified_trading.PUBLIC_WSS = sim.ws + "/v5/public/{CHANNEL_TYPE}"
    pybit.unified_trading.PRIVATE_WSS = sim.ws + "/v5/private"
    pybit._websocket_trading.TRADE_WSS = sim.ws + "/v5/trade"


def heard(subscribe, *args):
    """Subscribes; the messages of the topic. The client goes on changing what it hands out."""
    inbox = Inbox()
    subscribe(*args, callback=lambda message: inbox.put(copy.deepcopy(message)))
    return inbox


def levels(book):
    def side(name):
        return {Decimal(price): Decimal(qty) for price, qty in book[name]}

    return side("b"), side("a")


class Public:
    """Every public stream of one category."""

    def __init__(self, http, category):
        self.http, self.category = http, category
        self.by = {"category": category, "symbol": SYMBOL}
        socket = Streams(testnet=False, channel_type=category, **PINGS)
        self.books = {n: heard(socket.orderbook_stream, n, SYMBOL) for n in DEPTHS}
        self.klines = {n: heard(socket.kline_stream, n, SYMBOL) for n in (1, 5)}
        self.tickers = heard(socket.ticker_stream, SYMBOL)
        self.trades = heard(socket.trade_stream, SYMBOL)

    def check_books(self):
        for depth, inbox in self.books.items():
            with check(f"{self.category}: stream orderbook.{depth}"):
                inbox.wait(lambda _: len(inbox.messages) >= 5)
                for message in inbox.messages:
                    same(message["topic"], f"orderbook.{depth}.{SYMBOL}")
                    bids, asks = levels(message["data"])
                    holds(max(bids) < min(asks), (max(bids), min(asks)))
                    holds(0 < len(bids) <= depth, len(bids))
                ids = [message["data"]["u"] for message in inbox.messages]
                same(ids, list(range(ids[0], ids[0] + len(ids))))
        with check(f"{self.category}: the streamed book becomes that of REST"):
            wanted = levels(self.http.get_orderbook(**self.by, limit=200)["result"])
            self.books[200].wait(lambda message: levels(message["data"]) == wanted)

    def check_tickers(self):
        with check(f"{self.category}: stream tickers"):
            self.tickers.wait(lambda _: len(self.tickers.messages) >= 3)
            for message in self.tickers.messages:
                data = message["data"]
                fields(data, "symbol lastPrice highPrice24h lowPrice24h volume24h turnover24h")
                low, last, high = (Decimal(data[k]) for k in ("lowPrice24h", "lastPrice", "highPrice24h"))
                holds(low <= last <= high, (low, last, high))
                same("bid1Price" in data, self.category == "linear")
                same("markPrice" in data, self.category == "linear")

    def check_trades(self):
        with check(f"{self.category}: stream publicTrade"):
            self.trades.wait(lambda _: len(self.trades.messages) >= 3)
            seen = [row for message in self.trades.messages for row in message["data"]]
            for row in seen:
                fields(row, "T s S v p i BT RPI seq")
                holds(row["S"] in ("Buy", "Sell") and Decimal(row["v"]) > 0, row)
                same((row["s"], "L" in row), (SYMBOL, self.category == "linear"))
            same(len({row["i"] for row in seen}), len(seen))
        with check(f"{self.category}: streamed trades are those of REST"):
            trade = rows(self.http.get_public_trade_history(**self.by, limit=1))[0]
            row = self.trades.row(i=trade["execId"])
            same((row["p"], row["v"], row["S"]), (trade["price"], trade["size"], trade["side"]))

    def check_open_bars(self):
        for minutes, inbox in self.klines.items():
            with check(f"{self.category}: stream kline.{minutes} grows with the trades"):
                first = inbox.wait(lambda m: not m["data"][0]["confirm"])["data"][0]

                def grown(message):
                    row = message["data"][0]
                    return (row["start"], row["confirm"]) == (first["start"], False) and (
                        Decimal(row["volume"]) > Decimal(first["volume"]))

                # The bar may end before: then the next one grows.
                row = inbox.wait(lambda m: grown(m) or m["data"][0]["confirm"])["data"][0]
                same((row["interval"], row["end"] - row["start"]), (str(minutes), minutes * 60_000 - 1))
                low, high = Decimal(row["low"]), Decimal(row["high"])
                holds(low <= Decimal(row["close"]) <= high and low <= Decimal(row["open"]) <= high)

    def check_closed_bar(self):
        with check(f"{self.category}: stream kline.1 closes a bar, which is that of REST"):
            inbox = self.klines[1]
            closed = inbox.wait(lambda m: m["data"][0]["confirm"], BAR)["data"][0]
            listed = rows(self.http.get_kline(**self.by, interval="1", start=closed["start"], limit=1))
            names = ("start", "open", "high", "low", "close", "volume", "turnover")
            same(listed[0], [str(closed[name]) for name in names])
            before = [m["data"][0] for m in inbox.messages if m["data"][0]["start"] == closed["start"]]
            volumes = [Decimal(row["volume"]) for row in before]
            same(volumes, sorted(volumes))
            same([row["confirm"] for row in before], [False] * (len(before) - 1) + [True])


class Private:
    """Every private stream."""

    def __init__(self):
        socket = Streams(
            testnet=False, channel_type="private", api_key=KEY, api_secret=SECRET,
            private_auth_expire=10, **PINGS)
        self.orders = heard(socket.order_stream)
        self.executions = heard(socket.execution_stream)
        self.fast = heard(socket.fast_execution_stream)
        self.positions = heard(socket.position_stream)
        self.wallets = heard(socket.wallet_stream)

    def check_resting(self, http, category):
        market = Market(http, category)
        with check(f"{category}: stream order tells a new, an amended and a cancelled order"):
            order_id = market.place(orderLinkId=f"stream-{category}")
            told = self.orders.row(orderId=order_id, orderStatus="New")
            same((told["category"], told["orderLinkId"]), (category, f"stream-{category}"))
            same((told["avgPrice"], told["leavesQty"]), ("", told["qty"]))
            same("tpslMode" in told, category == "linear")
            same("createType" in told, category == "linear")
            http.amend_order(**market.by, orderId=order_id, price=market.price("0.91"))
            wanted = Decimal(market.price("0.91"))
            self.orders.wait(lambda m: any(
                row["orderId"] == order_id and Decimal(row["price"]) == wanted for row in m["data"]))
            http.cancel_order(**market.by, orderId=order_id)
            told = self.orders.row(orderId=order_id, orderStatus="Cancelled")
            same((told["cancelType"], told["leavesQty"]), ("CancelByUser", "0"))

    def check_fill(self, http, category):
        market = Market(http, category)
        with check(f"{category}: streams order and execution tell a fill"):
            order_id = market.place(orderType="Market", **(
                {"marketUnit": "baseCoin"} if category == "spot" else {}))
            order = self.orders.row(orderId=order_id, orderStatus="Filled")
            fill = self.executions.row(orderId=order_id)
            same((fill["category"], fill["execType"], fill["isMaker"]), (category, "Trade", False))
            same(order["cumExecQty"], Decimal(QTY[category]))
            listed = rows(http.get_executions(**market.by, orderId=order_id))
            holds(fill["execId"] in {row["execId"] for row in listed}, fill["execId"])
        with check(f"{category}: stream execution.fast tells the same fill"):
            quick = self.fast.row(orderId=order_id)
            same(quick["execId"], self.executions.row(orderId=order_id)["execId"])
            holds("execFee" not in quick and "orderType" not in quick, sorted(quick))
        with check(f"{category}: stream wallet tells what changed"):
            push = self.wallets.wait(lambda m: any(
                coin["coin"] == ("USDT" if category == "linear" else "BTC")
                for coin in m["data"][0]["coin"]))
            same((push["topic"], push["data"][0]["accountType"]), ("wallet", "UNIFIED"))
        if category == "linear":
            with check("linear: stream position tells the position"):
                row = self.positions.row(symbol=SYMBOL, side="Buy", size=order["cumExecQty"])
                same(row["entryPrice"], Decimal(order["avgPrice"]))
                holds("avgPrice" not in row, sorted(row))
                http.set_trading_stop(**market.by, tpslMode="Full", positionIdx=0,
                                      takeProfit=market.price("1.2"))
                stop = self.orders.row(stopOrderType="TakeProfit", orderStatus="Untriggered")
                same(stop["createType"], "CreateByTakeProfit")
            with check("linear: streams tell the end of a position and of its guard"):
                market.place(orderType="Market", side="Sell", reduceOnly=True)
                self.positions.row(symbol=SYMBOL, side="", size="0")
                gone = self.orders.row(orderId=stop["orderId"], orderStatus="Cancelled")
                same(gone["cancelType"], "CancelByTpSlTsClear")


class Entry:
    """The order-entry socket."""

    def __init__(self):
        self.socket = OrderEntry(
            testnet=False, api_key=KEY, api_secret=SECRET, private_auth_expire=10, **PINGS)

    def ask(self, call, **params):
        inbox = Inbox()
        call(inbox.put, error_callback=inbox.put, **params)
        return inbox.wait(lambda _: True)

    def check_orders(self, http, category, private):
        market, socket = Market(http, category), self.socket
        order = market.by | {"side": "Buy", "orderType": "Limit", "qty": QTY[category],
                             "price": market.price("0.9"), "orderLinkId": f"entry-{category}"}
        with check(f"{category}: order entry create"):
            answer = self.ask(socket.place_order, **order)
            same((answer["retCode"], answer["op"]), (0, "order.create"))
            fields(answer, "reqId header connId data")
            order_id = answer["data"]["orderId"]
            private.orders.row(orderId=order_id, orderStatus="New")
        with check(f"{category}: order entry refuses with the codes of REST"):
            same(self.ask(socket.place_order, **order)["retCode"],
                 {"linear": 110072, "spot": 170141}[category])
            much = order | {"qty": "50", "orderLinkId": "much"}
            same(self.ask(socket.place_order, **much)["retCode"],
                 {"linear": 110007, "spot": 170131}[category])
            nothing = market.by | {"orderId": "1"}
            same(self.ask(socket.cancel_order, **nothing)["retCode"],
                 {"linear": 110001, "spot": 170213}[category])
        with check(f"{category}: order entry amend"):
            price = market.price("0.91")
            answer = self.ask(socket.amend_order, **market.by, orderId=order_id, price=price)
            same((answer["retCode"], answer["data"]["orderId"]), (0, order_id))
            same(market.open_order(order_id)["price"], Decimal(price))
        with check(f"{category}: order entry cancel"):
            answer = self.ask(socket.cancel_order, **market.by, orderId=order_id)
            same((answer["retCode"], answer["data"]["orderId"]), (0, order_id))
            private.orders.row(orderId=order_id, orderStatus="Cancelled")

    def check_batches(self, http, category):
        market, socket = Market(http, category), self.socket
        one = {"symbol": SYMBOL, "side": "Buy", "orderType": "Limit", "qty": QTY[category]}
        with check(f"{category}: order entry batches"):
            prices = (market.price("0.90"), market.price("0.91"))
            request = [one | {"price": price} for price in prices]
            answer = self.ask(socket.place_batch_order, category=category, request=request)
            same([item["code"] for item in answer["retExtInfo"]["list"]], [0, 0])
            made = [row["orderId"] for row in answer["data"]["list"]]
            request = [{"symbol": SYMBOL, "orderId": n, "price": market.price("0.89")} for n in made]
            answer = self.ask(socket.amend_batch_order, category=category, request=request)
            same([item["code"] for item in answer["retExtInfo"]["list"]], [0, 0])
            same({Decimal(row["price"]) for row in rows(http.get_open_orders(**market.by))},
                 {Decimal(market.price("0.89"))})
            request = [{"symbol": SYMBOL, "orderId": order_id} for order_id in made]
            answer = self.ask(socket.cancel_batch_order, category=category, request=request)
            same([item["code"] for item in answer["retExtInfo"]["list"]], [0, 0])
            same(rows(http.get_open_orders(**market.by)), [])


def logins(sim):
    with check("error: a private socket with a bad signature is refused"):
        Streams(testnet=False, channel_type="private", api_key=KEY, api_secret="wrong",
                  private_auth_expire=10, restart_on_error=False)
        until(lambda: sim.control("counters")["auths"]["private"]["refused"] >= 1)
    with check("error: an order-entry socket with a bad key is refused"):
        OrderEntry(testnet=False, api_key="wrong", api_secret=SECRET,
                         private_auth_expire=10, restart_on_error=False)
        until(lambda: sim.control("counters")["auths"]["trade"]["refused"] >= 1)


def lost_connection(sim, http, private):
    market = Market(http, "linear")
    with check("a private socket that is lost comes back with its topics"):
        order_id = market.place()
        sim.control("fault", {"kind": "close", "socket": "private"})
        until(lambda: sim.control("counters")["auths"]["private"]["accepted"] == 2)
        n_before = len(private.orders.messages)
        parts = itertools.cycle(["0.91", "0.92"])

        # The topics come back a moment after the login.
        def told():
            http.amend_order(**market.by, orderId=order_id, price=market.price(next(parts)))
            return len(private.orders.messages) > n_before

        until(told)
        http.cancel_all_orders(**market.by)
        private.orders.row(orderId=order_id, orderStatus="Cancelled")


def main():
    with Simulator() as sim:
        aim(sim)
        http = session(sim)
        public = [Public(http, category) for category in ("linear", "spot")]
        private, entry = Private(), Entry()
        for streams in public:
            streams.check_books()
            streams.check_tickers()
            streams.check_trades()
            streams.check_open_bars()
        for category in ("linear", "spot"):
            private.check_resting(http, category)
            private.check_fill(http, category)
            entry.check_orders(http, category, private)
            entry.check_batches(http, category)
        for streams in public:
            streams.check_closed_bar()
        with check("pings keep every socket open"):
            connects = sim.control("counters")["connects"]
            same(connects, {"linear": 1, "private": 1, "spot": 1, "trade": 1})
        lost_connection(sim, http, private)
        logins(sim)


if __name__ == "__main__":
    main()
    check.exit()
