// Draws the charts of a page and keeps it current: the server says that something changed, the page is fetched again,
// and only what differs is replaced, so that focus, scrolling and opened tables stay.
"use strict";

(() => {
  const EVERY_MS = 2000;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const drawn = new Map();

  function appearance() {
    const style = getComputedStyle(document.documentElement);
    const [text, faint, line] = ["--text", "--faint", "--line"].map((name) => style.getPropertyValue(name).trim());
    const font = "system-ui, sans-serif";
    const { palette: light, darkPalette } = document.body.dataset;
    const palette = (dark.matches ? darkPalette : light).split(" ");
    return {
      aria: false, background: null, font,
      view: { stroke: null },
      axis: { labelColor: text, titleColor: text, gridColor: line, domainColor: faint, tickColor: faint, labelFontSize: 12, titleFontSize: 12, titleFontWeight: "normal" },
      header: { labelColor: text, titleColor: text },
      legend: { labelColor: text, titleColor: text, labelFontSize: 12 },
      text: { color: text, font }, rule: { color: text }, tick: { color: palette[0] }, point: { color: palette[0] }, bar: { color: palette[0] },
      range: { category: palette },
    };
  }

  async function draw(script) {
    const place = document.getElementById(script.dataset.plot);
    const text = script.textContent + dark.matches;
    if (drawn.get(place) === text) return;
    drawn.set(place, text);
    const embedded = await vegaEmbed(place, JSON.parse(script.textContent), {
      actions: false, ast: true, config: appearance(), defaultStyle: false, renderer: "svg",
      tooltip: { disableDefaultStyle: true },
    });
    place.querySelector("svg").setAttribute("aria-hidden", "true"); // the place has the chart's description
    embedded.view.addEventListener("click", (_, item) => {
      if (item && item.datum && item.datum.href) location.assign(item.datum.href);
    });
  }

  async function drawAll() {
    await Promise.all([...document.querySelectorAll("script.spec")].map(draw));
    document.documentElement.dataset.drawn = "yes";
  }

  function ago(ms) {
    const seconds = Math.max(0, Math.round((Date.now() - ms) / 1000));
    if (seconds < 60) return `${seconds} s ago`;
    if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
    if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`;
    return `${Math.floor(seconds / 86400)} d ago`;
  }

  function tellAges() {
    for (const time of document.querySelectorAll("time[data-ms]")) time.textContent = ago(Number(time.dataset.ms));
  }

  const callbacks = {
    beforeNodeMorphed(old, fresh) {
      if (old.nodeType !== Node.ELEMENT_NODE) return true;
      if (old.classList.contains("plot")) { // Vega's own content; what it says may have changed
        old.setAttribute("aria-label", fresh.getAttribute("aria-label"));
        old.style.height = fresh.style.height;
        return false;
      }
      if (old.tagName === "FORM" && old.contains(document.activeElement)) return false;
      if (old.tagName === "DETAILS") fresh.open = old.open;
      return true;
    },
  };

  async function refresh() {
    const answer = await fetch(location.href).catch(() => null); // the page is being left, or the console is away
    if (!answer?.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("view");
    Idiomorph.morph(document.getElementById("view"), fresh, { morphStyle: "outerHTML", callbacks });
    await drawAll();
    tellAges();
  }

  let source = null;
  let waiting = null;

  function follow() {
    const asked = new URLSearchParams({ topics: document.body.dataset.topics, since: document.getElementById("view").dataset.version });
    source = new EventSource(`/changes?${asked}`);
    source.addEventListener("changed", () => {
      waiting ??= setTimeout(async () => {
        await refresh();
        waiting = null;
      }, EVERY_MS);
    });
  }

  function pause() {
    source.close();
    source = null;
    clearTimeout(waiting);
    waiting = null;
  }

  addEventListener("pagehide", () => source && pause());
  dark.addEventListener("change", drawAll);
  document.getElementById("live").addEventListener("click", (event) => {
    const goes = source === null;
    event.currentTarget.setAttribute("aria-pressed", String(goes));
    if (goes) follow();
    else pause();
  });
  drawAll();
  setInterval(tellAges, 1000);
  follow();
})();
