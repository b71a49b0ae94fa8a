"""A monitor for a run: its configuration in a temporary folder, its process and its tokens."""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# More than a start takes on a busy machine, in seconds.
PATIENCE = 60
PING_KEY = "0123456789abcdef0123456789abcdef"
# A source of each format, and the path that its programs send to.
SOURCES = {
    "alertmanager": "/in/alerts",
    "prometheus": "/in/prometheus/api/v2/alerts",
    "grafana": "/in/grafana",
    "cloudevents": "/in/events",
    "apprise": "/in/apprise/notify/any",
    "template": "/in/ci",
}
# The channel runs a program that does nothing.
YAML = """notification_channels:
  run: {{type: exec, program: /bin/true}}
default_notification_channels: [run]
monitor:
  listen: ['127.0.0.1:0']
  state: {home}/state.sqlite
  control: {home}/control.sock
  ping_keys: [{{key: {ping_key}}}]
hosts:
  web-01: {{watch: true, interval: 1h}}
  db-01: {{watch: true, interval: 1h}}
  nightly: {{watch: true, schedule: '30 2 * * *', timezone: Europe/Berlin}}
web:
  listen: '127.0.0.1:0'
ingest:
  alerts: {{format: alertmanager}}
  prometheus: {{format: prometheus}}
  grafana: {{format: grafana}}
  events: {{format: cloudevents, host: item.source}}
  apprise: {{format: apprise, incident: item.title}}
  ci:
    format: template
    each: payload.builds
    when: item.status != "running"
    kind: '"recovery" if item.ok else "problem"'
    incident: item.job
    host: item.runner
    severity: '"critical" if item.branch == "main" else "warning"'
    title: item.name
    text: item.log
    url: item.link
    attributes: {{branch: item.branch}}
    key: item.id
    occurred_at: item.finished_at
"""


def built():
    """The folder with the programs and plugins that were built."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", "target"))
    profile = os.environ.get("HBD_PROFILE", "debug")
    return (ROOT / target / profile).resolve()


def rss(pid):
    """The resident memory of a process, in KiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


class Monitor:
    """A running `hbd`; as a context, it ends with it."""

    def __init__(self, folder=None):
        self.home = Path(folder or tempfile.mkdtemp(prefix="hbd-api-"))
        self.is_kept = folder is not None
        config = self.home / "heartbeat.yaml"
        config.touch(0o600)
        config.write_text(YAML.format(home=self.home, ping_key=PING_KEY))
        target = built()
        self.hbd = target / "hbd"
        self.env = {
            "PATH": os.environ["PATH"],
            "HBD_CONFIG": str(config),
            "ANNUNCIATOR_PLUGIN_DIR": str(target),
        }
        self.log_path = self.home / "log"
        with self.log_path.open("w") as log:
            self.process = subprocess.Popen(
                [self.hbd, "run"], env=self.env, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        self.url = None
        deadline = time.monotonic() + PATIENCE
        while self.url is None:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"the monitor does not start:\n{self.log()}")
            found = re.search(r"the API is served.*address=(\S+)", self.log())
            self.url = found and f"http://{found[1]}"
            time.sleep(0.05)
        self.secrets = [PING_KEY]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if not self.is_kept:
            shutil.rmtree(self.home, ignore_errors=True)

    def log(self):
        return self.log_path.read_text(errors="replace")

    def token(self, name, scope):
        """Makes a token, which must then be in no log."""
        made = subprocess.run(
            [self.hbd, "token", "add", name, "--scope", scope],
            env=self.env, capture_output=True, text=True, check=True,
        )
        token = made.stdout.strip()
        self.secrets.append(token)
        return token

    def get(self, path, token=None):
        """The status and the body of an answer."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        request = urllib.request.Request(self.url + path, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def faults(self):
        """What is wrong with the monitor after all of that."""
        found = []
        if self.process.poll() is not None:
            found.append(f"the monitor has ended with {self.process.returncode}")
        else:
            status, body = self.get("/healthz")
            if (status, json.loads(body)) != (200, {"status": "ok"}):
                found.append(f"/healthz says {status} {body!r}")
        log = self.log()
        found.extend(f"a secret is in the log: {one[:4]}..." for one in self.secrets if one in log)
        found.extend(line[:400] for line in log.splitlines() if "panic" in line.lower())
        acts = self.home / "acts.jsonl"
        if acts.exists():
            text = acts.read_text(errors="replace")
            found.extend(f"a secret is in acts.jsonl: {one[:4]}..." for one in self.secrets if one in text)
        return found
