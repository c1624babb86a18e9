"""The desk of ccxt's checks: an exchange whose addresses are the simulator's."""

from decimal import Decimal

from common import KEY, SECRET, Checks

check = Checks("ccxt")
LINEAR, SPOT = "BTC/USDT:USDT", "BTC/USDT"
QTY = 0.01


def exchange(sim, kind, key=KEY, secret=SECRET, **options):
    """An exchange of a class of ccxt. Its own pace keeps it below the limits of the venue."""
    hosts = {name: sim.rest for name in ("spot", "futures", "v2", "public", "private")}
    public = {name: f"{sim.ws}/v5/public/{name}" for name in ("spot", "linear", "inverse", "option")}
    private = {"spot": {"unified": f"{sim.ws}/v5/private"}, "contract": f"{sim.ws}/v5/private",
               "trade": f"{sim.ws}/v5/trade"}
    return kind({
        "apiKey": key, "secret": secret, "options": options,
        "urls": {"api": hosts | {"ws": {"public": public, "private": private}}},
    })


def number(value):
    """A number of ccxt as the decimal that it shows."""
    return Decimal(str(value))
