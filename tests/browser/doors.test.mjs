// From another program's alert to the person who takes it over, and back: Prometheus and
// Alertmanager as Debian has them, and what Grafana, cron and mailing programs send.

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { once } from "node:events";
import { join } from "node:path";
import { after, test } from "node:test";
import { closeBrowser, folder, freePort, monitor, output, people, person, program, until } from "./support.mjs";

after(closeBrowser);

const yaml = (all) => `
notification_channels:
  pager: ${all.channel("pager")}
  mail: ${all.channel("mail")}
default_notification_channels: [pager, mail]
monitor:
  ping_keys: [{key: 0a0b0c0d0e0f0a0b0c0d0e0f, hosts: [backup]}]
web:
ingest:
  prometheus: {format: prometheus, remind_every: 1m}
  alerts: {format: alertmanager, remind_every: 1m}
  grafana: {format: grafana, remind_every: 1m}
hosts:
  web-01: {watch: true}
  backup: {watch: true, schedule: '* * * * *', grace: 1s}
`;

async function started(t) {
  const all = await people(t);
  const one = await monitor(t, yaml(all));
  return { all, one };
}

/** Something that is measured: 1 while a disk is full. */
async function disk(t) {
  const state = { full: 1 };
  const server = createServer((_, response) => {
    response.writeHead(200, { "content-type": "text/plain; version=0.0.4" });
    response.end(`disk_full{device="sda"} ${state.full}\n`);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.closeAllConnections());
  t.after(() => server.close());
  state.target = `127.0.0.1:${server.address().port}`;
  return state;
}

/** Debian's Prometheus, which watches the disk and sends its alerts as the file says. */
async function prometheus(t, target, alerting) {
  const home = folder(t);
  const port = await freePort();
  writeFileSync(join(home, "rules.yml"), `
groups:
  - name: disks
    rules:
      - alert: DiskFull
        expr: disk_full == 1
        labels: {severity: critical, instance: web-01}
        annotations: {summary: 'the disk of web-01 is full'}
`);
  writeFileSync(join(home, "prometheus.yml"), `
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [rules.yml]
scrape_configs:
  - job_name: disks
    static_configs: [{targets: ['${target}']}]
${alerting}
`);
  mkdirSync(join(home, "data"));
  program(t, "prometheus", [
    `--config.file=${join(home, "prometheus.yml")}`,
    `--storage.tsdb.path=${join(home, "data")}`,
    `--web.listen-address=127.0.0.1:${port}`,
    "--rules.alert.resend-delay=5s",
  ]);
}

/**
 * The problem appears on the page by itself and is taken over by a click; what is sent again is
 * suppressed by name; and all channels that were notified hear the end.
 */
async function isTakenOverAndEnds(t, { all, one }, { end, again = null }) {
  const page = await person(t, one);
  await page.waitForSelector("article >> text=/full|silent|failed|overdue/i");
  for (const channel of ["pager", "mail"]) await all.hears(channel, /"problem"/);
  await page.click("article >> text=Take over");
  await page.waitForSelector("article >> text=taken over");
  for (const channel of ["pager", "mail"]) await all.hears(channel, /taken over/i);
  // Reminders come from whoever sends the problem again, once in a minute.
  if (again) await again();
  await until("a reminder to be suppressed by name", async () => {
    const { deliveries } = await one.call("/deliveries?state=suppressed");
    return deliveries.some((delivery) => /^acknowledged: by anna-\w+, \d\d:\d\d UTC/.test(delivery.why));
  }, 3 * 60_000);
  await end();
  for (const channel of ["pager", "mail"]) await all.hears(channel, /"recovery"/);
  await page.waitForSelector("text=Nothing is open");
  assert.deepEqual(page.faults, []);
}

test("an alert of Prometheus is taken over on the page, and its end is heard", async (t) => {
  const { all, one } = await started(t);
  const sda = await disk(t);
  const token = await one.token("prometheus", "ingest:prometheus");
  const { host } = new URL(one.url);
  await prometheus(t, sda.target, `
alerting:
  alertmanagers:
    - path_prefix: /in/prometheus
      authorization: {credentials: '${token}'}
      static_configs: [{targets: ['${host}']}]
`);
  await isTakenOverAndEnds(t, { all, one }, { end: () => { sda.full = 0; } });
});

test("so is one that comes by Alertmanager", async (t) => {
  const { all, one } = await started(t);
  const sda = await disk(t);
  const token = await one.token("alertmanager", "ingest:alerts");
  const home = folder(t);
  const port = await freePort();
  writeFileSync(join(home, "alertmanager.yml"), `
route: {receiver: hbd, group_wait: 1s, group_interval: 1s, repeat_interval: 30s}
receivers:
  - name: hbd
    webhook_configs:
      - url: '${one.url}/in/alerts'
        http_config: {authorization: {credentials: '${token}'}}
`);
  program(t, "prometheus-alertmanager", [
    `--config.file=${join(home, "alertmanager.yml")}`,
    `--storage.path=${join(home, "data")}`,
    `--web.listen-address=127.0.0.1:${port}`,
    "--cluster.listen-address=",
  ]);
  await prometheus(t, sda.target, `
alerting:
  alertmanagers:
    - static_configs: [{targets: ['127.0.0.1:${port}']}]
`);
  await isTakenOverAndEnds(t, { all, one }, { end: () => { sda.full = 0; } });
});

/** What Grafana's contact point `webhook` sends, as its documentation has it. */
const grafana = (status, startsAt) => ({
  receiver: "hbd", status, orgId: 1, version: "1", groupKey: "{}:{alertname=\"DiskFull\"}",
  truncatedAlerts: 0, state: status === "firing" ? "alerting" : "ok",
  title: "[FIRING:1] DiskFull", message: "the disk is full",
  groupLabels: { alertname: "DiskFull" }, commonLabels: { alertname: "DiskFull" },
  commonAnnotations: { summary: "the disk of web-01 is full" }, externalURL: "http://localhost:3000/",
  alerts: [{
    status, labels: { alertname: "DiskFull", instance: "web-01", severity: "critical" },
    annotations: { summary: "the disk of web-01 is full" }, startsAt,
    endsAt: status === "firing" ? "0001-01-01T00:00:00Z" : new Date().toISOString(),
    generatorURL: "http://localhost:3000/alerting/grafana/x/view", fingerprint: "57c6d9296de2ad39",
    silenceURL: "http://localhost:3000/alerting/silence/new", dashboardURL: "", panelURL: "",
    values: { B: 95.2 }, valueString: "[ var='B' labels={} value=95.2 ]",
  }],
});

test("so is one of Grafana", async (t) => {
  const { all, one } = await started(t);
  const token = await one.token("grafana", "ingest:grafana");
  // It began a while ago, so that the next time it is sent it is a reminder.
  const began = (minutes) => new Date(Date.now() - minutes * 60_000).toISOString();
  const since = began(10);
  const send = async (status) => {
    const answer = await one.send("grafana", token, grafana(status, since));
    assert.equal(answer.status, 200, await answer.text());
  };
  await send("firing");
  await isTakenOverAndEnds(t, { all, one }, {
    again: () => until("a minute to have begun in which people are reminded", async () => {
      await send("firing");
      const { deliveries } = await one.call("/deliveries?state=suppressed");
      await new Promise((wake) => setTimeout(wake, 1000));
      return deliveries.some((delivery) => /acknowledged/.test(delivery.why));
    }),
    end: () => send("resolved"),
  });
});

test("a job whose pings stop is missed, and its next ping is the end of that", async (t) => {
  const { all, one } = await started(t);
  const key = "0a0b0c0d0e0f0a0b0c0d0e0f";
  const ping = async (what = "") => {
    const answer = await output("curl", ["--silent", "--fail", "--max-time", "10", "--retry", "3",
      "--data-binary", "the output of the job", `${one.url}/ping/${key}/backup${what}`]);
    assert.equal(answer.trim(), "OK");
  };
  await ping("/start");
  await ping();
  const page = await person(t, one);
  await page.goto(`${one.url}/hosts/backup`);
  await page.waitForSelector("text=the output of the job");
  await page.goto(one.url);
  // No ping comes for the next run.
  await page.waitForSelector("article >> text=/backup.*overdue/", { timeout: 3 * 60_000 });
  await page.click("article >> text=Take over");
  await page.waitForSelector("article >> text=taken over");
  for (const channel of ["pager", "mail"]) await all.hears(channel, /taken over/i);
  await ping("/0");
  for (const channel of ["pager", "mail"]) await all.hears(channel, /"recovery"/);
  await page.waitForSelector("text=Nothing is open");
  assert.deepEqual(page.faults, []);
});

test("a mail of cron notifies people, by the recipient", async (t) => {
  const { all, one } = await started(t);
  const page = await person(t, one);
  await one.hbd(["sendmail", "-t"], {
    input: "From: root (Cron Daemon)\r\nTo: root\r\nSubject: Cron <root@web-01> backup\r\n\r\nbackup failed\r\n",
  });
  for (const channel of ["pager", "mail"]) await all.hears(channel, /backup failed/);
  await page.goto(`${one.url}/deliveries`);
  await page.waitForSelector("text=backup");
});
