// Lighthouse results of the main pages, for the releases before and after: node lab.mjs (Lighthouse wants node 22.19 or newer).
// LIGHTHOUSE_HOME names a folder in which `npm i lighthouse@13.5.0 node@24` was run.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { answers, serve, start } from './servers.mjs';
import { CHROMIUM, CHROMIUM_FLAGS, PORTS, PORT_BASE, SAMPLE, SHOP, WORK } from './settings.mjs';
import { shifterFor } from './shift.mjs';

const HOME = path.resolve(process.env.LIGHTHOUSE_HOME ?? path.join(WORK, 'lighthouse'));
const RUNS_AT = { A: Date.parse('2026-03-02T08:50:00Z'), B: Date.parse('2026-03-09T14:06:00Z') };
const PAGES = { home: '/', product: '/product/1', cart: '/cart' };
/** Lighthouse's own advice: of several runs keep the one in the middle. */
const TRIES = 3;
const FORM_FACTORS = { mobile: [], desktop: ['--preset=desktop'] };
const HEAVY_AUDITS = ['final-screenshot', 'screenshot-thumbnails', 'full-page-screenshot', 'script-treemap-data'];

function lighthouse(url, flags) {
  const output = path.join(WORK, 'lighthouse.json');
  const node = path.join(HOME, 'node_modules', '.bin', 'node');
  const cli = path.join(HOME, 'node_modules', 'lighthouse', 'cli', 'index.js');
  const common = ['--quiet', '--output=json', `--output-path=${output}`, '--disable-full-page-screenshot'];
  const chrome = `--chrome-flags=--headless ${CHROMIUM_FLAGS.join(' ')}`;
  execFileSync(node, [cli, url, ...common, chrome, ...flags], {
    env: { ...process.env, CHROME_PATH: CHROMIUM },
    stdio: 'inherit',
  });
  return JSON.parse(fs.readFileSync(output, 'utf8'));
}

/** Without pictures and the texts that every run repeats. */
function slim({ fullPageScreenshot: _picture, i18n: _texts, timing: _steps, ...result }) {
  const audits = Object.fromEntries(Object.entries(result.audits).filter(([name]) => !HEAVY_AUDITS.includes(name)));
  return { ...result, audits };
}

const paintOf = ({ audits }) => audits['largest-contentful-paint'].numericValue;
const middleOf = (results) => results.sort((a, b) => paintOf(a) - paintOf(b))[Math.floor(results.length / 2)];

const folder = path.join(SAMPLE, 'raw', 'lab');
fs.mkdirSync(folder, { recursive: true });
await start(['collector.mjs'], { PORT_BASE, RUN: path.join(WORK, 'lab-run') });
await answers(`http://127.0.0.1:${PORTS.collector}/`);
for (const [letter, runsAt] of Object.entries(RUNS_AT)) {
  const stop = await serve(letter, path.join(WORK, 'lab-run'));
  const began = Date.now();
  for (const [page, url] of Object.entries(PAGES)) {
    for (const [formFactor, flags] of Object.entries(FORM_FACTORS)) {
      const result = middleOf(Array.from({ length: TRIES }, () => slim(lighthouse(SHOP + url, flags))));
      const moved = shifterFor(began, Date.now())(result, runsAt - began);
      const name = `${letter}-${page}-${formFactor}.json.gz`;
      fs.writeFileSync(path.join(folder, name), zlib.gzipSync(JSON.stringify(moved), { level: 9 }));
      console.log(name, paintOf(result), moved.fetchTime);
    }
  }
  await stop();
}
process.exit(0);
