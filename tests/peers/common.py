"""What the checks share: the simulator, named checks, waiting for messages.

A check is a block with a name. It passes when the block ends, and fails with what was raised in
it; later checks go on. Nothing sleeps: whoever waits, waits for a message, up to PATIENCE.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.request
from contextlib import contextmanager
from decimal import Decimal

KEY = "testkey"
SECRET = "testsecret"
CAPITAL = "100000"
# Seconds that a message may take. The slowest is the end of a bar of one minute.
PATIENCE = 20.0
BAR = 75.0


class Simulator:
    """A `tradeterm sim-exchange` on ports of its own, for as long as the block lasts."""

    def __init__(self, *flags):
        self.flags = flags

    def __enter__(self):
        self.home = tempfile.TemporaryDirectory()
        command = [os.environ["PEERS_PROGRAM"], "--home", self.home.name, "sim-exchange", "--json"]
        command += ["--rest", "127.0.0.1:0", "--ws", "127.0.0.1:0", "--capital", CAPITAL]
        command += self.flags
        # Settings of whoever runs this are not meant for it.
        env = {k: v for k, v in os.environ.items() if not k.startswith("TRADETERM_")}
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env)
        line = json.loads(self.process.stdout.readline())
        self.rest, self.ws = line["rest"], line["ws"]
        return self

    def __exit__(self, *_):
        ended = self.process.poll()
        if ended is not None:
            print(f"FAIL simulator: ended before the checks, with status {ended}", flush=True)
        self.process.terminate()
        self.process.wait(PATIENCE)
        self.home.cleanup()

    def control(self, path, body=None):
        """Asks the control plane, which no client knows."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.rest}/sim/{path}", data=data)
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.load(answer)


class Checks:
    """Named checks of one client."""

    def __init__(self, client):
        self.client = client
        self.failed = 0

    @contextmanager
    def __call__(self, name):
        try:
            yield
        except Exception as error:
            self.failed += 1
            where = traceback.extract_tb(error.__traceback__)
            mine = [f for f in where if os.path.dirname(f.filename) == os.path.dirname(__file__)]
            line = mine[-1].lineno if mine else 0
            text = " ".join(f"{type(error).__name__}: {error}".split())[:400]
            print(f"FAIL {self.client}: {name} (line {line}): {text}", flush=True)
        else:
            print(f"ok {self.client}: {name}", flush=True)

    def exit(self):
        sys.stdout.flush()
        # Clients leave threads behind that would hold up an ordinary end.
        os._exit(1 if self.failed else 0)


def same(seen, wanted):
    """Asserts that two values are equal; texts of numbers count as numbers."""
    if isinstance(wanted, Decimal):
        seen = Decimal(str(seen))
    if seen != wanted:
        raise AssertionError(f"saw {seen!r}, wanted {wanted!r}")


def holds(claim, about=""):
    """Asserts that something holds."""
    if not claim:
        raise AssertionError(f"does not hold: {about!r}")


def raises(kind, call, *args, **kwargs):
    """Asserts that a call raises an exception of a kind; returns it."""
    try:
        answer = call(*args, **kwargs)
    except kind as error:
        return error
    raise AssertionError(f"nothing raised, but answered {answer!r}"[:300])


def fields(row, names):
    """Asserts that a row has these fields."""
    missing = [name for name in names.split() if name not in row]
    holds(not missing, f"fields {missing} of {sorted(row)}")


class Inbox:
    """Messages from another thread, in the order of their arrival."""

    def __init__(self):
        self.messages = []
        self.changed = threading.Condition()

    def put(self, message):
        with self.changed:
            self.messages.append(message)
            self.changed.notify_all()

    def wait(self, wanted, patience=PATIENCE):
        """The first message, from the beginning on, that is wanted."""
        end = time.monotonic() + patience
        seen = 0
        with self.changed:
            while True:
                for message in self.messages[seen:]:
                    if wanted(message):
                        return message
                seen = len(self.messages)
                left = end - time.monotonic()
                if left <= 0 or not self.changed.wait(left):
                    if seen == len(self.messages):
                        last = self.messages[-1] if self.messages else None
                        text = f"none of {seen} messages was it; the last: {last!r}"
                        raise AssertionError(text[:350])

    def row(self, **wanted):
        """The first row of a push whose fields are these."""

        def fitting(message):
            return [r for r in message["data"] if all(r.get(k) == v for k, v in wanted.items())]

        return fitting(self.wait(fitting))[-1]


def until(ready, patience=PATIENCE):
    """Asks again until there is an answer. For state that is told by no message."""
    end = time.monotonic() + patience
    while True:
        answer = ready()
        if answer:
            return answer
        if end < time.monotonic():
            raise AssertionError(f"still {answer!r} after {patience} s")
