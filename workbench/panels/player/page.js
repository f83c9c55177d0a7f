// Bring the still HTML of panels to life, in a report as in the lab: charts react, replays play.
// `assets` gives what is shared by all: assets.vega() -> vegaEmbed, assets.player() -> the player's data: URL.
import { mountReplay } from "./host.js";

const bytes = (base64) => Uint8Array.from(atob(base64), (char) => char.charCodeAt(0)).buffer;
const island = (element) => element.querySelector(':scope > script[type="application/json"]').textContent;

async function liven(chart, assets) {
  const embed = await assets.vega();
  const live = document.createElement("div");
  live.className = "bs-chart-live";
  await embed(live, JSON.parse(island(chart)), {
    actions: false, renderer: "svg", mode: "vega-lite", defaultStyle: false, tooltip: { disableDefaultStyle: true },
  });
  chart.querySelector(":scope > .bs-chart-still")?.replaceWith(live);
  chart.dataset.live = "1";
}

async function open(replay, assets) {
  const { at, marks, events } = JSON.parse(island(replay));
  const player = mountReplay(replay, await assets.player(), () => ({ gz: bytes(events), at, marks }));
  replay.querySelector(":scope > .bs-replay-still")?.remove();
  return player;
}

// What is far below the fold costs nothing until it is scrolled near.
export function enhance(root, assets) {
  const opened = [];
  const watch = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      watch.unobserve(target);
      const work = target.matches(".bs-chart") ? liven(target, assets) : open(target, assets).then((player) => opened.push(player));
      work.catch((error) => console.error("blindspot:", error));
    }
  }, { rootMargin: "400px" });
  for (const element of root.querySelectorAll(".bs-chart, .bs-replay")) watch.observe(element);
  return () => { watch.disconnect(); for (const player of opened) player.destroy(); };
}
