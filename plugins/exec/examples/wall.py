#!/usr/bin/env python3
"""Posts each message to a notice board by HTTP, and reports the outcome.

    type: exec
    program: /usr/local/lib/annunciator/wall.py
    arguments: [https://wall.example.com/notes]
    settings: {token: {env: WALL_TOKEN}}
    check_arguments: [--check, https://wall.example.com/notes]
"""

import json
import sys
import urllib.error
import urllib.request

EX_USAGE = 64


def say(outcome, **more):
    """Prints the outcome, and exits with status 0, so that the output is read."""
    print(json.dumps({"outcome": outcome, **more}))
    sys.exit(0)


def main(arguments):
    check = arguments[:1] == ["--check"]
    if len(arguments) != 1 + check:
        print("usage: wall.py [--check] ADDRESS", file=sys.stderr)
        return EX_USAGE
    address = arguments[-1]
    if check:
        urllib.request.urlopen(urllib.request.Request(address, method="HEAD"), timeout=10)
        return 0
    message = json.load(sys.stdin)
    note = {"text": message["body"], "severity": message["severity"]}
    request = urllib.request.Request(
        address,
        data=json.dumps(note).encode(),
        headers={
            "Content-Type": "application/json",
            "Authorization": "Bearer " + message["settings"]["token"],
        },
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            say("delivered", id=json.load(answer)["id"])
    except urllib.error.HTTPError as error:
        detail = f"HTTP {error.code}"
        if error.code == 429:
            say("retry", detail=detail, retry_after=float(error.headers["Retry-After"]))
        say("retry" if error.code >= 500 else "permanent", detail=detail)
    except urllib.error.URLError as error:
        say("retry", detail=str(error.reason))


sys.exit(main(sys.argv[1:]))
