#!/usr/bin/env python3
"""Sends a running monitor requests that it should take, and many that it should refuse.

    python3 tests/api/run.py api --cases 100000
    python3 tests/api/run.py ingest --cases 100000

`api` generates requests from the monitor's own OpenAPI description, and checks that the answers are
as described: some by schemathesis (`tests/api/requirements.txt`), which knows what to try and takes
its time, and many more that are made and damaged fast. `ingest` sends
captured payloads of each format with many kinds of damage, and needs the standard library only.
Both end with 1 if an answer was wrong, if the monitor has ended or panicked, or if a secret is in
its log. `--seed` repeats a run. `hbd` and its plugins have to be built:
`cargo build -p hbd -p annunciator-exec`.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import client  # noqa: E402
import ingest  # noqa: E402
from monitor import Monitor, rss  # noqa: E402

# What schemathesis may require of the answers. Not among them:
#  - `positive_data_acceptance`: what is as described may still make no sense, such as a host that
#    is not in the file; `hooks.py` has a check that tells both apart;
#  - `ignored_auth`: an address with 20 wrong tokens has to wait, so that a test with one of each
#    has to do (host-app/tests/running/web.rs);
#  - `use_after_free` and the like: nothing that a request makes is removed by another.
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "takes_what_is_described",
    "missing_required_header",
    "unsupported_method",
    "allow_header_conformance",
]
def settings(folder, seed, cases_each):
    """Writes the settings of schemathesis."""
    expected = [400, 404, 405, 409, 415, 422, 431]
    file = folder / "schemathesis.toml"
    file.write_text(f"""seed = {seed}
continue-on-failure = true
color = false
hooks = "{HERE}/hooks.py"
[generation]
max-examples = {cases_each}
with-security-parameters = false
no-shrink = true
database = "none"
[checks]
enabled = false
{"".join(f"{check}.enabled = true{chr(10)}" for check in CHECKS)}\
negative_data_rejection.expected-statuses = {expected}
[phases.coverage]
enabled = true
[phases.examples]
enabled = false
[phases.stateful]
enabled = false
""")
    return file


def generated(monitor, args, token, body, count):
    """Runs schemathesis in as many processes as wanted, each with a part of the operations."""
    import described

    description = json.loads(body)
    asked = described.operations(description)
    wanted = [f"{method.upper()} {path}" for method, path in asked]
    each = max(1, count // len(asked))
    schema = monitor.home / "openapi.json"
    schema.write_bytes(body)
    program = Path(sys.executable).with_name("schemathesis")
    running = []
    for worker in range(args.workers):
        part = wanted[worker :: args.workers]
        file = settings(monitor.home, args.seed, each)
        command = [program, f"--config-file={file}", "run", schema, f"--url={monitor.url}",
                   f"--header=Authorization:Bearer {token}", "--suppress-health-check=all",
                   "--request-timeout=30", "--warnings=off"]
        command += [f"--include-name={name}" for name in part]
        out = (monitor.home / f"out-{worker}").open("w")
        running.append(subprocess.Popen(command, cwd=monitor.home, stdout=out, stderr=out))
    faults = []
    sent = 0
    for worker, process in enumerate(running):
        code = process.wait()
        text = (monitor.home / f"out-{worker}").read_text()
        # The token is on the command line of schemathesis only.
        text = text.replace(token, "TOKEN")
        found = re.search(r"Test cases:\s*(?:([\d,]+) generated)?", text)
        sent += int((found and found[1] or "0").replace(",", ""))
        if code != 0:
            faults.append(f"schemathesis says {code}:\n{text}")
    return sent, faults


def api(monitor, args):
    """Sends requests of the description: one in so many by schemathesis, the rest damaged."""
    # Here, since `ingest` needs no packages.
    import described

    token = monitor.token("fuzzer", "act")
    status, body = monitor.get("/api/v1/openapi.json", token)
    assert status == 200, body
    count = args.generated if args.generated is not None else max(500, args.cases // 20)
    count = min(count, args.cases)
    sent, faults = generated(monitor, args, token, body, count) if count else (0, [])
    print(f"  by schemathesis: {sent}")
    rest = max(0, args.cases - sent)
    if rest:
        more, found = client.send_many(described.Make(json.loads(body)), monitor.url, token, args, rest)
        sent, faults = sent + more, faults + found
    return sent, faults


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["api", "ingest"])
    parser.add_argument("--cases", type=int, default=2000, help="how many requests, about")
    parser.add_argument("--generated", type=int, help="how many of them by schemathesis; a twentieth")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--keep", metavar="FOLDER", help="where to keep the monitor's files")
    args = parser.parse_args()
    if args.keep:
        os.makedirs(args.keep)
    with Monitor(args.keep) as monitor:
        began, rss_before = time.monotonic(), rss(monitor.process.pid)
        send = {"api": api, "ingest": ingest.send_all}[args.what]
        sent, faults = send(monitor, args)
        seconds = time.monotonic() - began
        faults += monitor.faults()
        memory = f"{rss_before // 1024} to {rss(monitor.process.pid) // 1024} MiB" if monitor.process.poll() is None else "?"
    print(f"{args.what}: {sent} cases in {seconds:.0f} s ({sent / seconds:.0f}/s), "
          f"seed {args.seed}, memory {memory}")
    for fault in faults:
        print(fault)
    print(f"{len(faults)} faults" if faults else "no fault")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
