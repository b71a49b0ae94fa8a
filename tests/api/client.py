"""Sends many requests from several processes, and judges each answer."""

import http.client
import json
import multiprocessing
import random
import sys
import time
from collections import Counter
from urllib.parse import urlsplit

PROBLEM = "application/problem+json"
# How many faults of a process are told.
MAX_FAULTS = 20
# The longest body that is read at all; of a longer one, the rest need not be taken.
MAX_BODY = 1024 * 1024
# The longest target that fits into a head of 16 KiB for certain: of a longer one, too.
MAX_TARGET = 12 * 1024
# How long an answer may take, in seconds.
PATIENCE = 60


class Client:
    """A connection that is opened again when it has ended."""

    def __init__(self, url, token):
        self.address = urlsplit(url).netloc
        self.token = token
        self.connection = None
        self.used_at = 0.0

    def send(self, method, target, headers, data):
        """The status, the headers and the body of the answer."""
        # The server ends connections that have been idle for 5 s.
        if self.connection is None or time.monotonic() - self.used_at > 3:
            self.connection = http.client.HTTPConnection(self.address, timeout=PATIENCE)
        try:
            connection = self.connection
            connection.putrequest(method, target, skip_accept_encoding=True)
            connection.putheader("Authorization", f"Bearer {self.token}")
            for name, value in headers:
                connection.putheader(name, value)
            if data is not None:
                connection.putheader("Content-Length", str(len(data)))
            connection.endheaders(data)
            answer = connection.getresponse()
            body = answer.read()
        except Exception:
            self.connection = None
            raise
        self.used_at = time.monotonic()
        if answer.will_close:
            self.connection = None
        return answer.status, answer.headers, body


def problem_of(status, headers, body):
    """What is wrong with an answer that refuses; none if it is a problem detail."""
    if headers.get("content-type") != PROBLEM:
        return f"the content type is {headers.get('content-type')}"
    try:
        problem = json.loads(body)
    except ValueError as error:
        return f"no JSON: {error}"
    if problem.get("status") != status:
        return "the status in the body is another"
    if not str(problem.get("type", "")).startswith("urn:annunciator:problem:"):
        return "there is no type"
    if not problem.get("title") or not isinstance(problem.get("detail"), str):
        return "there is no title or no detail"
    return None


def work(task):
    """Sends the requests of one process. `make(rng)` returns what makes one, and what says what is
    wrong with the answer to it."""
    make, url, token, seed, count = task
    # Payloads are nested deeper than Python expects.
    sys.setrecursionlimit(20_000)
    rng = random.Random(seed)
    client, statuses, faults = Client(url, token), Counter(), []
    case, judge = make(rng)
    for number in range(count):
        name, method, target, headers, data = case()
        wrong, shown = None, b""
        try:
            status, answered, shown = client.send(method, target, headers, data)
            statuses[f"{name} {status}"] += 1
            wrong = judge(name, data, status, answered, shown)
        except (OSError, http.client.HTTPException) as error:
            is_too_long = len(data or b"") > MAX_BODY or len(target) > MAX_TARGET
            statuses[f"{name} closed"] += 1
            if not is_too_long:
                wrong = f"the connection was closed: {error!r}"
        if wrong:
            faults.append(f"{wrong}\n  case {number} of seed {seed}: {method} {target[:300]} {headers}"
                          f"\n  {(data or b'')[:600]!r}\n  -> {shown[:600]!r}")
            if len(faults) >= MAX_FAULTS:
                break
    return statuses, faults


def send_many(make, url, token, args, count):
    """Sends about `count` requests; how many were sent, and what was wrong."""
    each = -(-count // args.workers)
    # Each process has seeds of its own.
    tasks = [(make, url, token, args.seed * 1000 + worker, each) for worker in range(args.workers)]
    statuses, faults = Counter(), []
    with multiprocessing.Pool(args.workers) as pool:
        for seen, found in pool.imap_unordered(work, tasks):
            statuses += seen
            faults += found
    for name, number in sorted(statuses.items()):
        print(f"  {name}: {number}")
    return sum(statuses.values()), faults
