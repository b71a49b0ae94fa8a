// A monitor of its own for each test, with the people that it notifies, and a browser.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createTcpServer } from "node:net";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const here = dirname(fileURLToPath(import.meta.url));
const target = resolve(here, "../..", process.env.CARGO_TARGET_DIR ?? "target", "debug");
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

// Where screenshots are left for people to look at; nowhere, unless it is set.
const screenshots = process.env.ANNUNCIATOR_SCREENSHOTS;

// More than anything here takes.
export const PATIENCE = 60_000;

/** Waits until a look at something yields what is wanted, and returns it. */
export async function until(what, look, patience = PATIENCE) {
  const deadline = Date.now() + patience;
  for (;;) {
    const found = await look();
    if (found) return found;
    assert.ok(Date.now() < deadline, `waited in vain for ${what}`);
    await new Promise((wake) => setTimeout(wake, 25));
  }
}

/** A port that is free now, for programs that cannot say which one the system gave them. */
export async function freePort() {
  const server = createTcpServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/** A program that runs until the test ends. `log` has what it wrote. */
export function program(t, command, args, { endBy = "SIGKILL", ...options } = {}) {
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"], ...options });
  const running = { child, log: "" };
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (data) => {
      running.log += data;
    });
  }
  running.ended = once(child, "exit");
  running.stop = async (signal = "SIGTERM") => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    await running.ended;
  };
  t.after(async () => {
    await running.stop(endBy);
    // A child of its own that outlives it must not keep the test from ending.
    for (const stream of child.stdio) stream.destroy();
  });
  return running;
}

/** Runs a program to its end, and returns what it wrote. */
export async function output(command, args, { input = "", ...options } = {}) {
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"], ...options });
  let out = "";
  let err = "";
  child.stdout.on("data", (data) => (out += data));
  child.stderr.on("data", (data) => (err += data));
  // It may have ended before it has read everything.
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  const [status] = await once(child, "close");
  assert.equal(status, 0, `${command} ${args.join(" ")}: ${out}${err}`);
  return out;
}

export function folder(t) {
  const path = mkdtempSync(join(tmpdir(), "hbd-browser-"));
  t.after(() => rmSync(path, { recursive: true, force: true, maxRetries: 5 }));
  return path;
}

/** People who are notified by webhooks: what each channel heard, by its name. */
export async function people(t) {
  const heard = [];
  // Channels whose remote is out of order, with the headers by which it says so.
  const broken = new Map();
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (data) => (body += data));
    request.on("end", () => {
      const channel = request.url.slice(1);
      if (broken.has(channel)) {
        response.writeHead(503, broken.get(channel)).end();
        return;
      }
      // A check asks without a body.
      if (request.method === "POST") heard.push({ channel, ...JSON.parse(body) });
      response.writeHead(200).end("{}");
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const url = `http://127.0.0.1:${server.address().port}`;
  return {
    heard,
    broken,
    /** The settings of a channel on which these people are notified. */
    channel: (name) => `{type: webhook, url: '${url}/${name}'}`,
    /** Waits until a channel has heard something that matches. */
    hears: (channel, pattern) =>
      until(`${channel} to hear ${pattern}`, () =>
        heard.find((one) => one.channel === channel && pattern.test(JSON.stringify(one)))),
  };
}

/** A monitor that serves its pages. */
export async function monitor(t, yaml) {
  const home = folder(t);
  const config = join(home, "heartbeat.yaml");
  const control = join(home, "control.sock");
  const text = yaml
    .replace("monitor:", `monitor:\n  listen: ['127.0.0.1:0']\n  state: ${home}/state.sqlite\n  control: ${control}`)
    .replace("web:", "web:\n  listen: '127.0.0.1:0'");
  writeFileSync(config, text);
  const env = { PATH: process.env.PATH, HBD_CONFIG: config, ANNUNCIATOR_PLUGIN_DIR: target };
  const hbd = join(target, "hbd");
  const running = program(t, hbd, ["run"], { env });
  const url = await until("the monitor to serve its pages", () => {
    assert.equal(running.child.exitCode, null, running.log);
    const found = /the API is served.*address=(\S+)/.exec(running.log);
    return found && `http://${found[1]}`;
  });
  const one = {
    home,
    config,
    control,
    url,
    running,
    env,
    hbd: (args, options) => output(hbd, args, { env, ...options }),
    token: async (name, scope) => (await one.hbd(["token", "add", name, "--scope", scope])).trim(),
    /** A call of the API by the Unix socket, by curl. */
    call: async (path) =>
      JSON.parse(await output("curl", ["--silent", "--fail-with-body", "--unix-socket", control,
        `http://localhost/api/v1${path}`])),
    /** Has the monitor accept a critical problem, without waiting for what comes of it. */
    problem: async (incident, message, more = {}) => {
      const body = { incident, message, kind: "problem", severity: "critical", ...more };
      await output("curl", ["--silent", "--fail-with-body", "--unix-socket", control,
        "--json", JSON.stringify(body), "http://localhost/api/v1/notifications"]);
    },
    /** Sends something to a source, as another program does. */
    send: (source, token, body, type = "application/json") =>
      fetch(`${url}/in/${source}`, {
        method: "POST",
        headers: { authorization: `Bearer ${token}`, "content-type": type },
        body: typeof body === "string" ? body : JSON.stringify(body),
      }),
  };
  return one;
}

let launched = null;

/** Debian's Chromium, one for all tests of a file. */
export async function browser() {
  launched ??= chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  return launched;
}

export async function closeBrowser() {
  if (launched) await (await launched).close();
}

/** The ways in which people look at the pages. */
export const LOOKS = {
  light: { viewport: { width: 1200, height: 900 } },
  dark: { viewport: { width: 1200, height: 900 }, colorScheme: "dark" },
  phone: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true },
};

/** A person who has logged in, with a page that shows the first page. */
export async function person(t, one, options = {}, scope = "act") {
  const context = await (await browser()).newContext(options);
  context.setDefaultTimeout(PATIENCE);
  t.after(() => context.close());
  const page = await context.newPage();
  const faults = [];
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error") faults.push(message.text());
  });
  // Nothing may be asked of another server.
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(one.url) && !url.startsWith("data:")) faults.push(`it asked ${url}`);
  });
  page.faults = faults;
  const token = await one.token(`anna-${Math.random().toString(36).slice(2)}`, scope);
  await page.goto(one.url);
  await page.fill("input[name=token]", token);
  await page.click("main form button");
  await page.waitForURL(`${one.url}/`);
  return page;
}

/** Requires that axe-core finds nothing on a page. */
export async function accessible(page, name) {
  // The policy of the page forbids foreign scripts; the protocol of the browser does not mind it.
  const session = await page.context().newCDPSession(page);
  const evaluate = async (expression) => {
    const { result, exceptionDetails } = await session.send("Runtime.evaluate", {
      expression, awaitPromise: true, returnByValue: true,
    });
    assert.equal(exceptionDetails, undefined, JSON.stringify(exceptionDetails));
    return result.value;
  };
  await evaluate(`${axe}; undefined`);
  const found = await evaluate(`axe.run().then(({ violations }) => violations.map((one) =>
    [one.id, one.impact, ...one.nodes.slice(0, 3).map((node) => node.html.slice(0, 200))]))`);
  await session.detach();
  assert.deepEqual(found, [], name);
}

/** Leaves a picture of a page for people to look at. */
export async function picture(page, name) {
  if (!screenshots) return;
  mkdirSync(screenshots, { recursive: true });
  await page.screenshot({ path: join(screenshots, `${name}.png`), fullPage: true });
}
