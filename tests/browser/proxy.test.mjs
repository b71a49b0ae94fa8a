// Debian's nginx as the trusted proxy, as docs/api.md has it: it has the certificate, asks for the
// password, and says who has logged in.

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { browser, closeBrowser, folder, freePort, monitor, output, people, program, until } from "./support.mjs";

after(closeBrowser);

/** nginx in front of a monitor, with users and passwords, and a certificate of its own. */
async function nginx(t, target) {
  const home = folder(t);
  const port = await freePort();
  mkdirSync(join(home, "temp"));
  const hash = async (password) => (await output("openssl", ["passwd", "-apr1", password])).trim();
  writeFileSync(join(home, "users"), `anna:${await hash("a")}\nbob:${await hash("b")}\n`);
  await output("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
    "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
    "-keyout", join(home, "key.pem"), "-out", join(home, "cert.pem")]);
  writeFileSync(join(home, "nginx.conf"), `
daemon off;
pid ${home}/pid;
error_log stderr;
events {}
http {
  access_log off;
  client_body_temp_path ${home}/temp; proxy_temp_path ${home}/temp;
  fastcgi_temp_path ${home}/temp; uwsgi_temp_path ${home}/temp; scgi_temp_path ${home}/temp;
  server {
    listen 127.0.0.1:${port} ssl;
    ssl_certificate ${home}/cert.pem;
    ssl_certificate_key ${home}/key.pem;
    location / {
      auth_basic hbd;
      auth_basic_user_file ${home}/users;
      proxy_pass ${target};
      proxy_buffering off;
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-User $remote_user;
    }
  }
}
`);
  // It drops root for its workers, which must reach its folder.
  await output("chmod", ["-R", "a+rwX", home]);
  const running = program(t, "/usr/sbin/nginx", ["-c", join(home, "nginx.conf"), "-p", home],
    // It ends its workers, too.
    { endBy: "SIGTERM" });
  const url = `https://localhost:${port}`;
  await until("nginx to answer", async () => {
    assert.equal(running.child.exitCode, null, running.log);
    const status = await status_of(url, []);
    return status === "401";
  });
  return url;
}

async function status_of(url, more) {
  return output("curl", ["--silent", "--insecure", "--output", "/dev/null", "--write-out",
    "%{http_code}", ...more, url]).catch(() => "000");
}

test("whom nginx has logged in sees the page, and may do what the file says", async (t) => {
  const all = await people(t);
  const one = await monitor(t, `
notification_channels:
  pager: ${all.channel("pager")}
default_notification_channels: [pager]
monitor:
web:
  proxy: {from: [127.0.0.1], user: X-Forwarded-User, users: {anna: act, '*': read}}
`);
  const url = await nginx(t, one.url);
  await one.problem("plain", "something is wrong");
  await all.hears("pager", /something is wrong/);
  const look = async (username, password) => {
    const context = await (await browser()).newContext({
      ignoreHTTPSErrors: true, httpCredentials: { username, password },
    });
    t.after(() => context.close());
    const page = await context.newPage();
    await page.goto(url);
    await page.waitForSelector("article >> text=something is wrong");
    return page;
  };
  const bob = await look("bob", "b");
  assert.equal(await bob.locator("article button").count(), 0);
  const anna = await look("anna", "a");
  await anna.click("article >> text=Take over");
  await anna.waitForSelector("article >> text=/taken over.*anna/");
  // Through the proxy, too, the page follows what happens.
  await bob.waitForSelector("article >> text=/taken over.*anna/");
  const acts = await one.call("/acts");
  assert.match(JSON.stringify(acts), /anna/);
  // A header that the client sends does not count.
  const forged = ["--user", "bob:b", "--header", "X-Forwarded-User: anna", "--request", "POST"];
  assert.equal(await status_of(`${url}/withdraw?incident=plain`, forged), "403");
});
