"""Load generator of the demo: a modest stream of requests whose refused share goes up and down.

Over LOAD_PERIOD seconds the share goes from 5 % to 95 % and back, so that every band of the dashboard is seen
and the alerts fire and resolve. Half of the refused requests carry no token, half an expired one.
Stops on SIGTERM, and after LOAD_REQUESTS requests if that is set.
"""

import http.client
import json
import math
import os
import pathlib
import random
import signal
import sys
import threading
import time
import urllib.parse

TARGET = urllib.parse.urlsplit(os.environ.get("LOAD_TARGET", "http://traefik:8080"))
USER = os.environ.get("DEMO_USER") or "demo"
PASSWORD = os.environ.get("DEMO_PASSWORD", "")
RATE = min(max(float(os.environ.get("LOAD_RATE") or 4), 0.1), 50.0)  # requests a second
PERIOD = max(float(os.environ.get("LOAD_PERIOD") or 2400), 1.0)
REQUESTS = int(os.environ.get("LOAD_REQUESTS") or 0)  # 0: until told to stop
ALIVE = pathlib.Path("/tmp/alive")  # touched after each answer, for the health check

RELOGIN = 300.0  # seconds; tokens live longer
stop = threading.Event()


def call(method: str, path: str, headers: dict[str, str], body: str | None = None) -> tuple[int, bytes]:
    link = http.client.HTTPConnection(TARGET.hostname, TARGET.port or 80, timeout=5)
    try:
        link.request(method, path, body, headers)
        answer = link.getresponse()
        return answer.status, answer.read(65536)
    finally:
        link.close()


def login(expires_in: int) -> str:
    body = json.dumps({"username": USER, "password": PASSWORD, "expires_in": expires_in})
    status, answer = call("POST", "/api/v1/auth/login", {"Content-Type": "application/json"}, body)
    if status != 200:
        raise ConnectionError(f"login answered {status}")
    return json.loads(answer)["access_token"]


def refused_share(elapsed: float) -> float:
    return 0.5 - 0.45 * math.cos(2 * math.pi * elapsed / PERIOD)


def tokens() -> tuple[str, str]:
    """A good token, and one that has expired."""
    expired = login(1)
    stop.wait(2.1)
    return login(900), expired


def main() -> None:
    if not PASSWORD:
        sys.exit("DEMO_PASSWORD is not set")
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())

    good = expired = ""
    start = time.monotonic()
    last_login = last_report = -math.inf
    answers: dict[str, int] = {}
    sent = 0
    while not stop.is_set() and (REQUESTS == 0 or sent < REQUESTS):
        now = time.monotonic()
        try:
            if now - last_login > RELOGIN:
                good, expired = tokens()
                last_login = now
            if random.random() >= refused_share(now - start):
                token = good
            else:
                token = random.choice(("", expired))
            status, _ = call("GET", "/", {"Authorization": f"Bearer {token}"} if token else {})
            sent += 1
            answers[str(status)] = answers.get(str(status), 0) + 1
            ALIVE.touch()
            if token == good and status == 401:
                last_login = -math.inf  # the service has a new secret
            pause = 1 / RATE
        except (OSError, http.client.HTTPException, ValueError, KeyError) as problem:
            answers["failed"] = answers.get("failed", 0) + 1
            print(f"no answer: {problem!r}", flush=True)
            pause = 2.0
        if now - last_report > 60:
            print(f"{sent} requests so far, answers {answers}", flush=True)
            last_report = now
        stop.wait(pause)
    print(f"stopped after {sent} requests, answers {answers}", flush=True)


if __name__ == "__main__":
    main()
