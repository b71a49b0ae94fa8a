"""Damaged payloads of other programs, for each format."""

import json
import urllib.parse

import client
import damage
from monitor import ROOT, SOURCES

PAYLOADS = ROOT / "crates/ingest/tests/payloads"
# Captured requests, by format; the format `template` and Apprise's form have none.
CAPTURED = {
    "alertmanager": ["alertmanager.json", "alertmanager-0.25.json"],
    "prometheus": ["prometheus.json", "prometheus-2.42.json"],
    "grafana": ["grafana.json"],
    "cloudevents": ["cloudevents.json"],
}
MADE = {
    "apprise": [{"title": "Backup", "body": "disk full", "type": "failure", "format": "markdown",
                 "tag": ["a", "b"], "urls": "mailto://x", "attachments": []}],
    "template": [{"builds": [
        {"status": "running", "name": "Build 6"},
        {"status": "done", "ok": False, "job": "web", "name": "Build 7 failed", "log": ["a", "b"],
         "branch": "main", "id": 7, "runner": "web-01", "link": "https://ci/7",
         "finished_at": 1795356000}]}],
}
TYPES = [
    "application/json", "application/json; charset=utf-8", "application/cloudevents+json",
    "application/cloudevents-batch+json", "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=b", "multipart/form-data", "text/plain", "text/html; charset=x", "",
    "application/json; charset=utf-16", "\x7f/;;=",
]
USUAL = {"cloudevents": "application/cloudevents-batch+json"}
PATHS = ["", "/", "/notify", "/notify/any", "/api/v2/alerts", "/api/v1/alerts", "//", "/%00", "/..%2f..",
         "/a/b/c/d?x=1"]
ACCEPTED = {"accepted", "repeated", "skipped", "errors"}


def form(rng, tree):
    """A payload as a form, whose fields are no texts now and then."""
    fields = tree if isinstance(tree, dict) else {"body": tree}
    pairs = [(str(name), one if isinstance(one, str) else json.dumps(one)) for name, one in fields.items()]
    if rng.random() < 0.5:
        return "application/x-www-form-urlencoded", urllib.parse.urlencode(
            pairs, errors="surrogatepass").encode()
    parts = [f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in pairs]
    return "multipart/form-data; boundary=b", ("".join(parts) + "--b--\r\n").encode("utf-8", "surrogatepass")


def cloud_headers(rng):
    """The attributes of an event in headers."""
    names = ["ce-id", "ce-source", "ce-type", "ce-specversion", "ce-time", "ce-subject", "ce-severitytext"]
    chosen = rng.sample(names, rng.randrange(len(names) + 1))
    texts = ["1.0", "1", "/ci", "%F0%9F%98%80", "%ff", "\x80\xff", "2026-11-23T12:00:00Z", "x" * 3000, ""]
    return [(name, rng.choice(texts)) for name in chosen]


def make(rng):
    """Makes cases, and judges their answers."""
    payloads = {
        name: [json.loads((PAYLOADS / file).read_text()) for file in files] for name, files in CAPTURED.items()
    }
    # A capture of several requests is a list of their bodies.
    payloads.update(MADE)

    def case():
        name = rng.choice(list(SOURCES))
        target, headers = SOURCES[name], []
        tree = rng.choice(payloads[name])
        kind = USUAL.get(name, "application/json")
        if name == "cloudevents" and rng.random() < 0.5:
            kind = "application/cloudevents+json"
            tree = rng.choice(tree) if isinstance(tree, list) else tree
        if name == "apprise" and rng.random() < 0.5:
            kind, data = form(rng, damage.damage_value(rng, tree))
            if rng.random() < 0.3:
                data = damage.damage_bytes(rng, data)
        else:
            data = damage.body(rng, tree)
        if rng.random() < 0.05:
            kind = rng.choice(TYPES)
        if name == "cloudevents" and rng.random() < 0.3:
            kind, headers = rng.choice(TYPES), cloud_headers(rng)
        if rng.random() < 0.03:
            target += rng.choice(PATHS)
        if rng.random() < 0.03:
            target += "?" + urllib.parse.quote(damage.text(rng)[:2000], errors="surrogatepass")
        if rng.random() < 0.001:
            data += b" " * client.MAX_BODY
        return name, "POST", target, [("Content-Type", kind), *headers], data

    return case, judge


def judge(_, __, status, headers, body):
    """What is wrong with an answer; none if it is one of those that are promised."""
    if status == 200:
        taken = json.loads(body)
        return None if taken.keys() == ACCEPTED else f"unexpected members: {taken.keys()}"
    if not 400 <= status < 500:
        return f"the status is {status}"
    # The server of HTTP itself refuses what is no request, without a body.
    return None if status in (400, 431) and not body else client.problem_of(status, headers, body)


def send_all(monitor, args):
    """Sends as many payloads as wanted."""
    token = monitor.token("sender", "act")
    return client.send_many(make, monitor.url, token, args, args.cases)
