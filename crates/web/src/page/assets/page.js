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

  // A page that shows the present is loaded again, unless somebody is busy with it. The event
  // stream takes the place of this.
  const live = document.querySelector("[data-live]");
  if (live) {
    setInterval(() => {
      const isBusy = document.hidden || chosen >= 0 || document.querySelector("dialog[open]")
        || document.activeElement?.matches("input, select, textarea, button, a");
      if (!isBusy) location.reload();
    }, 30000);
  }
})();
