// Shared parts in the lab: asked of the kernel once a browser page, whichever widget needs them first.
import { dataUrl } from "./host.js";

const asked = (globalThis.__blindspot ??= {});

async function fetchText(model, name) {
  const buffer = await new Promise((resolve, reject) => {
    const hear = (message, buffers) => {
      if (message?.give !== name) return;
      model.off("msg:custom", hear);
      resolve(buffers[0]);
    };
    model.on("msg:custom", hear);
    setTimeout(() => reject(new Error(`the kernel did not send ${name}`)), 30000);
    model.send({ need: name });
  });
  const packed = new Blob([buffer]);
  return new Response(packed.stream().pipeThrough(new DecompressionStream("gzip"))).text();
}

export const assetsOf = (model) => ({
  vega: () => (asked.vega ??= fetchText(model, "vega").then(async (text) => {
    const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
    await import(/* @vite-ignore */ url);
    return globalThis.vegaEmbed;
  })),
  player: () => (asked.player ??= fetchText(model, "player").then(dataUrl)),
});
