// node build.mjs OUT: bundle the player's page, the report's script and the two widgets into OUT.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

const out = process.argv[2] ?? "../static";
const POLICY = [
  "default-src 'none'", "script-src 'unsafe-inline'", "style-src 'unsafe-inline'", "img-src data: blob:", "font-src data:",
  "media-src data: blob:", "base-uri 'none'", "form-action 'none'",
].join("; ");

async function bundle(entry, format) {
  const { outputFiles } = await build({
    entryPoints: [entry], bundle: true, minify: true, write: false, format, target: "es2022", charset: "utf8",
    legalComments: "none", loader: { ".css": "text" },
  });
  return outputFiles[0].text;
}

mkdirSync(out, { recursive: true });
const script = (await bundle("frame.js", "iife")).replaceAll("</script", "<\\/script");
writeFileSync(join(out, "frame.html"), `<!doctype html><html lang="en"><head><meta charset="utf-8">`
  + `<meta http-equiv="Content-Security-Policy" content="${POLICY}"><title>Session replay</title></head>`
  + `<body><script>${script}</script></body></html>`);
writeFileSync(join(out, "report.js"), await bundle("report.js", "iife"));
for (const widget of ["view.js", "replay.js"]) writeFileSync(join(out, widget), await bundle(widget, "esm"));
