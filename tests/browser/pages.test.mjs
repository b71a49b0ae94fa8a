// The pages in Chromium: what they show, live and without scripts, to eyes, keys and axe-core.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { LOOKS, accessible, closeBrowser, monitor, people, person, picture, until } from "./support.mjs";

after(closeBrowser);

/** Every control character, every bidi character, and markup. */
const HOSTILE = `<script>document.title='taken'</script><img src=x onerror=alert(1)> &amp; "'\`
${[...Array(32).keys()].map((code) => String.fromCharCode(code)).join("")}\u007f\u0085
\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069 end`;

const yaml = (all) => `
notification_channels:
  pager: ${all.channel("pager")}
  mail: ${all.channel("mail")}
notification_groups:
  oncall: {first_of: [pager, mail], until: acknowledged, step_after: 10m}
default_notification_channels: [oncall]
monitor:
web:
ingest:
  events: {format: apprise}
hosts:
  web-01: {watch: true}
  'edge-17.example.org': {watch: false}
`;

async function started(t) {
  const all = await people(t);
  const one = await monitor(t, yaml(all));
  return { all, one };
}

const PAGES = ["/", "/incidents/web-01%2Fdisk", "/hosts", "/hosts/web-01", "/silences",
  "/silences?name=", "/deliveries", "/deliveries/1", "/channels", "/configuration",
  "/configuration/file", "/acts"];
// Only those who may act see what others did.
const FOR_ACTORS = ["/acts"];

test("every page is accessible in both schemes and on the phone, and asks nobody else", async (t) => {
  const { all, one } = await started(t);
  await one.problem("web-01/disk", "disk is 95 % full", { host: "web-01" });
  await one.problem("plain", "something else");
  await all.hears("pager", /disk is 95/);
  const look = async (name, page, paths = PAGES) => {
    for (const path of paths) {
      await page.goto(one.url + path);
      await accessible(page, `${path} ${name}`);
      await picture(page, `${path.replaceAll(/[^a-z0-9]+/g, "_")}-${name}`);
    }
    assert.deepEqual(page.faults, [], name);
  };
  for (const [name, options] of Object.entries(LOOKS)) {
    await look(name, await person(t, one, options));
  }
  const reader = await person(t, one, LOOKS.light, "read");
  await look("reader", reader, PAGES.filter((path) => !FOR_ACTORS.includes(path)));
  assert.equal(await reader.locator("main form[method=post]").count(), 0);
});

test("the login is accessible, and refuses a wrong token in words", async (t) => {
  const { one } = await started(t);
  const page = await person(t, one);
  await page.click("text=Log out");
  await page.waitForURL(/\/login/);
  await accessible(page, "login");
  await picture(page, "login");
  await page.fill("input[name=token]", "hbd_w_wrong");
  await page.click("main form button");
  await page.waitForSelector("[role=alert], .problem");
  await accessible(page, "login refused");
});

test("what happens appears by itself, and what somebody is doing stays", async (t) => {
  const { all, one } = await started(t);
  const page = await person(t, one);
  await page.waitForSelector("text=Nothing is open");
  await page.keyboard.press("?");
  await page.waitForSelector("dialog[open]");
  await page.keyboard.press("Escape");
  await one.problem("web-01/disk", "disk is 95 % full", { host: "web-01" });
  await page.waitForSelector("article >> text=disk is 95 % full");
  await until("the title to carry the number", async () => (await page.title()).startsWith("(1)"));
  await all.hears("pager", /disk is 95/);
  await page.waitForSelector("article >> text=/notified|delivered/");
  // A form that somebody fills in is left alone, and followed again afterwards.
  await page.goto(`${one.url}/hosts/web-01`);
  await page.fill("input[name=why]", "I am typ");
  await one.problem("web-01/two", "another thing", { host: "web-01" });
  await all.hears("pager", /another thing/);
  await page.waitForTimeout(1500);
  assert.equal(await page.inputValue("input[name=why]"), "I am typ");
  await page.fill("input[name=why]", "");
  await page.waitForSelector("text=another thing");
  assert.deepEqual(page.faults, []);
});

/** What the page says of a delivery, what the store says of it, and whether it came no earlier. */
async function comesNext(t, { yaml: text, before, says, channel, state, then, comes }) {
  const all = await people(t);
  const one = await monitor(t, text(all));
  const page = await person(t, one);
  await before({ all, one });
  const said = page.locator("article li", { hasText: channel }).locator(`text=${says}`).first();
  await said.waitFor();
  const { deliveries } = await one.call(`/deliveries?channel=${channel}&state=${state}`);
  const [next] = deliveries;
  assert.equal(deliveries.length, 1);
  // The page counts down, or names the time.
  const words = await said.textContent();
  const [, minutes, seconds] = /in (\d+):(\d\d)/.exec(words) ?? [];
  if (minutes) {
    const shown = Date.now() + (60 * minutes + 1 * seconds) * 1000;
    assert.ok(Math.abs(shown - next.due_ms) < 5000, `${words}, and it is due at ${next.due_ms}`);
  } else {
    const clock = new Date(next.due_ms).toISOString().slice(11, 19);
    assert.ok(words.includes(clock), `${words}, and it is due at ${clock}`);
  }
  assert.equal(all.heard.some((heard) => comes.test(JSON.stringify(heard)) && heard.channel === channel), false);
  await then?.({ all, one, page });
  await all.hears(channel, comes);
  assert.ok(Date.now() >= next.due_ms, "it came before its time");
  return { all, one, page, next };
}

test("the step of a group that the page says comes next is the one that then comes", async (t) => {
  const { page, next } = await comesNext(t, {
    yaml: (all) => yaml(all).replace("step_after: 10m", "step_after: 8s"),
    before: ({ one }) => one.problem("web-01/disk", "disk is 95 % full", { host: "web-01" }),
    channel: "mail",
    says: "/in 0:0\\d, unless acknowledged \\(step 2 of oncall\\)/",
    state: "pending",
    // The list says the same of it.
    then: async ({ one, page }) => {
      await page.goto(`${one.url}/deliveries`);
      await page.waitForSelector("td >> text=/unless acknowledged \\(step 2 of oncall\\)/");
      await page.goto(one.url);
    },
    comes: /disk is 95/,
  });
  assert.equal(next.step, 2);
  await page.locator("article li", { hasText: "mail" }).locator("text=/delivered/").waitFor();
});

test("the attempt that the page says comes next is the one that then comes", async (t) => {
  const { page } = await comesNext(t, {
    yaml: (all) => yaml(all).replace("[oncall]", "[pager]"),
    before: async ({ all, one }) => {
      // By itself, the monitor waits for any time up to the backoff.
      all.broken.set("pager", { "retry-after": "9" });
      await one.problem("web-01/disk", "disk is 95 % full", { host: "web-01" });
    },
    channel: "pager",
    says: "/waits after a failed attempt: attempt 2 in 0:0\\d/",
    state: "pending",
    then: ({ all }) => all.broken.delete("pager"),
    comes: /disk is 95/,
  });
  await page.locator("article li", { hasText: "pager" }).locator("text=/delivered/").waitFor();
});

test("the digest that the page says comes next is the one that then comes", async (t) => {
  const { page } = await comesNext(t, {
    yaml: (all) => `${yaml(all).replace("[oncall]", "[pager]")}\ndelivery: {rate_limit: 1/9s}\n`,
    before: async ({ all, one }) => {
      await one.problem("web-01/disk", "disk is 95 % full", { host: "web-01" });
      await all.hears("pager", /disk is 95/);
      await one.problem("web-01/load", "load is 40", { host: "web-01" });
    },
    channel: "pager",
    says: "/suppressed: rate_limit.*; digest at \\d\\d:\\d\\d:\\d\\d/",
    state: "pending",
    comes: /load is 40/,
  });
  await page.locator("article li", { hasText: "pager" }).locator("text=/its digest is delivered/").waitFor();
});

test("an incident is taken over by the keyboard alone", async (t) => {
  const { all, one } = await started(t);
  await one.problem("web-01/disk", "disk is 95 % full", { host: "web-01" });
  await all.hears("pager", /disk is 95/);
  const page = await person(t, one);
  await page.waitForSelector("article");
  // With nothing chosen, a key that acts does nothing.
  await page.keyboard.press("a");
  await page.keyboard.press("j");
  await page.waitForSelector("article.chosen");
  await page.keyboard.press("a");
  await page.waitForSelector("article >> text=taken over");
  await all.hears("pager", /taken over/);
  await picture(page, "taken-over");
  await accessible(page, "taken over");
  for (const [key, path] of [["h", "/hosts"], ["d", "/deliveries"], ["c", "/channels"], ["n", "/"]]) {
    await page.keyboard.press("g");
    await page.keyboard.press(key);
    await page.waitForURL(one.url + path);
  }
});

test("everything works without scripts", async (t) => {
  const { all, one } = await started(t);
  await one.problem("web-01/disk", "disk is 95 % full", { host: "web-01" });
  await all.hears("pager", /disk is 95/);
  const page = await person(t, one, { ...LOOKS.light, javaScriptEnabled: false });
  assert.equal(await page.locator("noscript").count() > 0, true);
  await page.click("text=Take over");
  await page.waitForSelector("article >> text=taken over");
  await page.click("text=Give back");
  await page.waitForSelector("text=Take over");
  await page.goto(`${one.url}/hosts?name=web`);
  assert.equal(await page.locator("tbody tr").count(), 1);
  await page.click("tbody a");
  await page.fill("input[name=length]", "2h");
  await page.fill("input[name=why]", "maintenance of the disk");
  await page.click("main >> button:text-is('Silence')");
  await page.waitForSelector("text=maintenance of the disk");
  await page.click("text=End the silence");
  await page.waitForSelector("text=web-01");
  assert.equal(await page.locator("text=End the silence").count(), 0);
  await page.goto(`${one.url}/silences?name=`);
  await page.waitForSelector("text=This covers 2 of 2");
  await page.fill("input[name=confirm]", "yes");
  await page.click("main >> button:text-is('Silence 2')");
  await page.waitForSelector("text=this silences every host");
  await page.goto(`${one.url}/silences?name=edge`);
  await page.waitForSelector("text=This covers 1 of 2");
  await page.click("main >> button:text-is('Silence 1')");
  await page.waitForSelector("tbody >> text=edge-17.example.org");
  await page.click("button:text-is('End')");
  await page.waitForSelector("text=Nothing is silenced.");
  await page.goto(`${one.url}/incidents/web-01%2Fdisk`);
  await page.waitForSelector("article >> text=disk is 95 % full");
  await page.goto(`${one.url}/configuration`);
  await page.click("summary >> nth=0");
  await page.waitForSelector("details[open] >> text=***");
  await page.goto(`${one.url}/acts`);
  await page.waitForSelector("tbody >> text=end silence");
  await page.goto(`${one.url}/deliveries?state=delivered`);
  await page.click("tbody a >> nth=0");
  await page.waitForSelector("ol.timeline");
  await page.goto(`${one.url}/channels`);
  await page.click("button:text('Check') >> nth=0");
  await page.waitForSelector("td [role=status]");
  await page.fill("input[name=message] >> nth=0", "only trying");
  await page.click("button:text-is('Send a test') >> nth=0");
  await page.waitForSelector("td [role=status]");
  await all.hears("pager", /only trying/);
  await page.goto(`${one.url}/configuration/file`);
  await page.click("button:text-is('Reload it')");
  await page.waitForSelector("text=2 channels kept");
  await page.goto(`${one.url}/hosts/web-01`);
  await page.selectOption("select[name=severity]", "warning");
  await page.click("button:text-is('Show')");
  await page.waitForSelector("tbody >> text=step 2 of group oncall");
  assert.equal(await page.inputValue("select[name=severity]"), "warning");
});

test("hostile texts stay text on every page", async (t) => {
  const { all, one } = await started(t);
  const token = await one.token("sender", "ingest:events");
  const answer = await one.send("events", token, { title: HOSTILE, body: HOSTILE, type: "failure" });
  assert.equal(answer.status, 200, await answer.text());
  await all.hears("pager", /end/);
  const page = await person(t, one);
  await one.problem("odd", HOSTILE.replaceAll("\0", ""));
  await until("both to be delivered", () => all.heard.length >= 2);
  for (const path of ["/", "/incidents/odd", "/deliveries", "/deliveries/1"]) {
    await page.goto(one.url + path);
    assert.equal(await page.locator("main img, main script").count(), 0);
    const text = await page.locator("main").textContent();
    assert.doesNotMatch(text, /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e]/, path);
    assert.notEqual(await page.title(), "taken");
  }
  assert.match(await page.locator("main").textContent(), /<script>document/);
  assert.deepEqual(page.faults, []);
});

test("what failed is retried, all that is shown at once", async (t) => {
  const all = await people(t);
  all.broken.set("pager", {});
  const one = await monitor(t, `
notification_channels:
  pager: ${all.channel("pager").replace(/}$/, ", statuses: {503: permanent}}")}
default_notification_channels: [pager]
monitor:
web:
`);
  for (const number of [1, 2, 3]) await one.problem(`plain-${number}`, `problem ${number}`);
  const page = await person(t, one);
  await page.goto(`${one.url}/deliveries?state=failed`);
  await page.waitForSelector("text=Retry the 3 shown that failed");
  all.broken.clear();
  await page.click("text=Retry the 3 shown that failed");
  for (const number of [1, 2, 3]) await all.hears("pager", new RegExp(`problem ${number}`));
  await page.waitForSelector("text=There are no such deliveries");
  assert.deepEqual(page.faults, []);
});

test("when the server is gone the page says so, and follows it again when it is back", async (t) => {
  const { all, one } = await started(t);
  const page = await person(t, one);
  await page.waitForSelector("text=Nothing is open");
  one.running.child.kill("SIGSTOP");
  await page.waitForSelector("#stale:not([hidden])");
  one.running.child.kill("SIGCONT");
  await page.waitForSelector("#stale[hidden]", { state: "attached" });
  await one.problem("plain", "something new");
  await page.waitForSelector("article >> text=something new");
  await all.hears("pager", /something new/);
});

test("a session that was revoked sees nothing any more", async (t) => {
  const { one } = await started(t);
  const page = await person(t, one);
  const tokens = await one.hbd(["token", "list"]);
  const [name] = /anna-\S+/.exec(tokens);
  await one.hbd(["token", "remove", name]);
  await one.problem("plain", "something new");
  await page.reload();
  await page.waitForURL(/\/login/);
});
