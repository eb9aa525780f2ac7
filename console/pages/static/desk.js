/* Small things on top of pages that work without: keys, and lists that stay up to date. */
"use strict";

(() => {
  const typing = (target) => target instanceof Element && target.closest("input:not([type=checkbox], [type=radio]), select, textarea, [contenteditable]");
  const rows = () => [...document.querySelectorAll("main [data-row]")];
  let at = "";

  const row = () => rows().find((one) => one.dataset.row === at);
  const mark = () => rows().forEach((one) => one.classList.toggle("at", one.dataset.row === at));

  const move = (by) => {
    const all = rows();
    if (!all.length) return;
    const now = all.findIndex((one) => one.dataset.row === at);
    const next = all[Math.min(all.length - 1, Math.max(0, now + by))];
    at = next.dataset.row;
    mark();
    (next.querySelector("a") || next).focus();
    next.scrollIntoView({ block: "nearest" });
  };

  /* A key stands on the link, button or summary that it presses, or on the form that it goes to: data-key="a". */
  const press = (key) => {
    const wanted = `[data-key="${CSS.escape(key)}"]`;
    const here = row();
    const found = (here && here.querySelector(wanted)) || (rows().some((one) => one.querySelector(wanted)) ? null : document.querySelector(`main ${wanted}`));
    if (!found) return false;
    const form = found.tagName === "SUMMARY" ? found.parentElement : found.tagName === "FORM" ? found : null;
    if (form) {
      if (form !== found) form.open = true;
      form.querySelector("input:not([type=hidden]), select, textarea")?.focus();
    } else found.click();
    return true;
  };

  const help = () => {
    const keys = document.getElementById("keys");
    if (!keys) return;
    keys.open = !keys.open;
    if (keys.open) keys.scrollIntoView({ block: "end" });
  };

  /* Two keys: g, then where to. */
  const places = { d: "/", t: "/today", c: "/cases", a: "/approvals", e: "/events" };
  let going = false;

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && typing(event.target)) return event.target.blur();
    if (typing(event.target)) return;
    const went = going;
    going = event.key === "g" && !went;
    if (going) return;
    if (went && places[event.key]) location.assign(places[event.key]);
    else if (event.key === "/") document.getElementById("q")?.focus();
    else if (event.key === "j") move(1);
    else if (event.key === "k") move(-1);
    else if (event.key === "o") row()?.querySelector("a")?.click();
    else if (event.key === "?") help();
    else if (!press(event.key)) return;
    event.preventDefault();
  });

  /* On a phone the bar of pages is wider than the screen: the page that one is on stands in it. */
  const here = document.querySelector("nav.main [aria-current]");
  const bar = here?.closest("nav");
  if (bar) bar.scrollLeft = here.offsetLeft - (bar.clientWidth - here.offsetWidth) / 2;

  /* data-live="20": the same page again every twenty seconds, unless somebody is in the middle of something. */
  const main = document.querySelector("main[data-live]");
  const busy = () => document.hidden || typing(document.activeElement) || main.querySelector("details[open], input:checked[name=case]");

  const again = async () => {
    if (busy()) return;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html", "X-Live": "1" }, redirect: "error" });
      if (!answer.ok || busy()) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const next = page.querySelector("main");
      if (!next || next.dataset.state === main.dataset.state) return;
      const held = main.contains(document.activeElement);
      main.replaceChildren(...next.childNodes);
      main.dataset.state = next.dataset.state || "";
      document.title = page.title;
      mark();
      if (held) row()?.querySelector("a")?.focus();
    } catch { /* away for a moment: the page stays as it is */ }
  };
  if (main) setInterval(again, Number(main.dataset.live) * 1000);
})();
