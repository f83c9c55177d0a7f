// The one script of a report. Shared parts lie in the page as gzipped, base64-coded islands, unpacked when first needed.
import { dataUrl } from "./host.js";
import { enhance } from "./page.js";

async function unpack(id) {
  const coded = document.getElementById(id).textContent.trim();
  const packed = Uint8Array.from(atob(coded), (char) => char.charCodeAt(0));
  return new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
}

const once = (make) => { let made; return () => (made ??= make()); };

enhance(document.body, {
  vega: once(async () => {
    const url = URL.createObjectURL(new Blob([await unpack("bs-vega")], { type: "text/javascript" }));
    await import(url);
    return window.vegaEmbed;
  }),
  player: once(async () => dataUrl(await unpack("bs-frame"))),
});
