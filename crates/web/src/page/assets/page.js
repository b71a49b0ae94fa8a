// The keys of pages. Everything can be done without them: what a key does, a link or a form does.
"use strict";
(() => {
  document.documentElement.classList.add("scripted");
  const items = () => [...document.querySelectorAll("[data-item]")];
  let chosen = -1;
  let isAfterG = false;

  const choose = (index) => {
    const all = items();
    if (all.length === 0) return;
    all.forEach((item) => item.classList.remove("chosen"));
    chosen = Math.max(0, Math.min(index, all.length - 1));
    const item = all[chosen];
    item.classList.add("chosen");
    item.scrollIntoView({ block: "nearest" });
    const link = item.querySelector("a[data-open]");
    if (link) link.focus({ preventScroll: true });
  };
  // With nothing chosen, a key that acts does nothing: it must not act on what nobody looks at.
  const within = (selector) => items()[chosen]?.querySelector(selector);
  const press = (selector) => within(selector)?.click();

  const places = { n: "/", h: "/hosts", d: "/deliveries", c: "/channels" };
  const keys = {
    j: () => choose(chosen + 1),
    k: () => choose(chosen - 1),
    a: () => press("[data-key=a]"),
    s: () => press("[data-key=s]"),
    "/": () => document.querySelector("[data-filter]")?.focus(),
    "?": () => document.getElementById("keys")?.showModal(),
    g: () => {
      isAfterG = true;
    },
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat && event.key === "a") return;
    if (event.target.closest?.("input, select, textarea, dialog")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (isAfterG) {
      isAfterG = false;
      const place = places[event.key];
      const link = place && document.querySelector(`nav a[href="${place}"]`);
      if (link) {
        event.preventDefault();
        link.click();
      }
      return;
    }
    if (event.key === "Enter" && event.target === document.body) {
      press("a[data-open]");
      return;
    }
    const act = keys[event.key];
    if (act) {
      event.preventDefault();
      act();
    }
  });

  // What is on the page follows the server: each event of the stream has the page loaded again in
  // the background, at most once in MIN_PAUSE, and what differs is changed in place.
  const MIN_PAUSE = 1000;
  // The server says something every 5 seconds. Twice as long without a word is too long.
  const MAX_SILENCE = 10000;
  const main = document.querySelector("main[data-live]");
  if (!main || !window.EventSource || !window.Idiomorph) return;

  const isChanged = (field) => {
    if (!field.options) return field.value !== field.defaultValue;
    const initial = [...field.options].findIndex((option) => option.defaultSelected);
    return field.selectedIndex !== Math.max(0, initial);
  };
  const isBusy = () => document.querySelector("dialog[open]")
    || [...main.querySelectorAll("input, textarea, select")].some(isChanged);

  const ask = async () => {
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      return answer.ok && { text: await answer.text(), isMoved: answer.redirected };
    } catch {
      // The stream says when the server is back.
      return null;
    }
  };
  let timer = null;
  let isLoading = false;
  const load = async () => {
    timer = null;
    // What somebody is typing stays, and what has changed meanwhile is shown afterwards.
    if (isLoading || isBusy()) return plan();
    isLoading = true;
    const answer = await ask();
    isLoading = false;
    if (!answer) return;
    // The session has ended: the browser shows the login.
    if (answer.isMoved) return location.reload();
    const next = new DOMParser().parseFromString(answer.text, "text/html");
    const content = next.querySelector("main");
    if (!content || isBusy()) return plan();
    const item = items()[chosen];
    Idiomorph.morph(main, content.childNodes, { morphStyle: "innerHTML", ignoreActiveValue: true });
    chosen = item && item.isConnected ? items().indexOf(item) : -1;
    items()[chosen]?.classList.add("chosen");
    document.title = next.title;
    const icon = (of) => of.querySelector("link[rel=icon]");
    icon(document).href = icon(next).getAttribute("href");
  };
  const plan = () => {
    timer ??= setTimeout(load, MIN_PAUSE);
  };

  const stale = document.getElementById("stale");
  let heard = Date.now();
  const hear = () => {
    heard = Date.now();
    stale.hidden = true;
  };
  const events = new EventSource("/api/v1/events");
  let wasOpen = false;
  events.addEventListener("ready", () => {
    hear();
    // What happened before the stream was open is not in it.
    plan();
    wasOpen = true;
  });
  events.addEventListener("tick", hear);
  for (const name of ["delivery", "acknowledgement", "state", "reset"]) {
    events.addEventListener(name, () => {
      hear();
      plan();
    });
  }
  events.addEventListener("error", () => {
    // Refused, not cut off: the browser does not try again by itself.
    if (events.readyState === EventSource.CLOSED && wasOpen) location.reload();
  });
  setInterval(() => {
    if (Date.now() - heard > MAX_SILENCE) stale.hidden = false;
  }, 1000);
  // Times on the page grow by themselves.
  setInterval(plan, 30000);
})();
