/* Small things on top of pages that work without: keys, and lists that stay up to date. */
"use strict";

(() => {
  const typing = (target) => target instanceof Element && target.closest("input, select, textarea, [contenteditable]");
  const rows = () => [...document.querySelectorAll("[data-row]")];
  let at = -1;

  const move = (by) => {
    const all = rows();
    if (!all.length) return;
    at = Math.min(all.length - 1, Math.max(0, at + by));
    all.forEach((row, index) => row.classList.toggle("at", index === at));
    const link = all[at].querySelector("a");
    (link || all[at]).focus();
    all[at].scrollIntoView({ block: "nearest" });
  };

  /* A key stands on the link or button that it presses: data-key="a". */
  const press = (key) => {
    const here = rows()[at];
    const found = (here && here.querySelector(`[data-key="${CSS.escape(key)}"]`)) || document.querySelector(`main [data-key="${CSS.escape(key)}"]`);
    if (found) found.tagName === "A" || found.tagName === "BUTTON" ? found.click() : found.focus();
    return Boolean(found);
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && typing(event.target)) return event.target.blur();
    if (typing(event.target)) return;
    if (event.key === "/") document.getElementById("q")?.focus();
    else if (event.key === "j") move(1);
    else if (event.key === "k") move(-1);
    else if (event.key === "o") rows()[at]?.querySelector("a")?.click();
    else if (event.key === "?") document.getElementById("keys")?.toggleAttribute("open");
    else if (!press(event.key)) return;
    event.preventDefault();
  });

  /* data-live="10": the same page again every ten seconds, unless somebody is in the middle of something. */
  const main = document.querySelector("main[data-live]");
  if (main) {
    const again = async () => {
      if (document.hidden || typing(document.activeElement) || main.querySelector("details[open]")) return;
      try {
        const answer = await fetch(location.href, { headers: { Accept: "text/html" }, redirect: "error" });
        if (!answer.ok) return;
        const next = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
        if (!next || next.dataset.state === main.dataset.state) return;
        main.replaceChildren(...next.childNodes);
        main.dataset.state = next.dataset.state || "";
        if (at >= 0) rows()[at]?.classList.add("at");
      } catch { /* away for a moment: the page stays as it is */ }
    };
    setInterval(again, Number(main.dataset.live) * 1000);
  }
})();
