"""The desk of pybit's checks: its session at the simulator, and one market as the account uses it."""

import collections
import logging
import time
from decimal import Decimal

from pybit.exceptions import InvalidRequestError
from pybit.unified_trading import HTTP

from common import KEY, SECRET, Checks, raises, same

# The client tells of refusals that the checks want.
logging.disable(logging.CRITICAL)
check = Checks("pybit")
SYMBOL = "BTCUSDT"
QTY = {"linear": "0.010", "spot": "0.010000"}


def session(sim, key=KEY, secret=SECRET, **more):
    http = HTTP(api_key=key, api_secret=secret, **more)
    http.endpoint = sim.rest
    return http


def rows(answer):
    same(answer["retCode"], 0)
    return answer["result"]["list"]


def refused(code, call, **params):
    error = raises(InvalidRequestError, call, **params)
    same(error.status_code, code)
    return error


class Pace:
    """Keeps below the venue's ten orders a second. The client fails when a limit ends while it is
    told of it, so only one check goes over it, on purpose."""

    MOST = 8

    def __init__(self):
        self.times = collections.deque(maxlen=self.MOST)

    def keep(self):
        if len(self.times) == self.MOST:
            time.sleep(max(0.0, self.times[0] + 1.1 - time.monotonic()))
        self.times.append(time.monotonic())


PACE = Pace()


class Market:
    """One category of one symbol, as the account uses it."""

    def __init__(self, http, category):
        self.http, self.category = http, category
        self.by = {"category": category, "symbol": SYMBOL}
        ticker = rows(http.get_tickers(**self.by))[0]
        self.last = Decimal(ticker["lastPrice"])
        info = rows(http.get_instruments_info(**self.by))[0]
        self.tick = Decimal(info["priceFilter"]["tickSize"])

    def price(self, part):
        """A price that is this part of the last one, on the grid."""
        return str((self.last * Decimal(part) / self.tick).to_integral_value() * self.tick)

    def place(self, paced=True, **more):
        order = {"side": "Buy", "orderType": "Limit", "qty": QTY[self.category]}
        order |= {"price": self.price("0.9")} if more.get("orderType") != "Market" else {}
        if paced:
            PACE.keep()
        answer = self.http.place_order(**self.by, **(order | more))
        same(answer["retCode"], 0)
        return answer["result"]["orderId"]

    def open_order(self, order_id):
        return rows(self.http.get_open_orders(**self.by, orderId=order_id))[0]

    def closed_order(self, order_id):
        return rows(self.http.get_order_history(**self.by, orderId=order_id))[0]

    def position(self):
        return rows(self.http.get_positions(**self.by))[0]
