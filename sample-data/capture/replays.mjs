// Plays the recordings of blank sessions with rrweb's own player and reads the last picture: node replays.mjs.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { build } from 'esbuild';
import { launch } from './browser.mjs';
import { readLines } from './run.mjs';
import { KIT, SAMPLE } from './settings.mjs';

const PLAYER = `
import { Replayer } from '@rrweb/replay';
window.lastText = async (events) => {
  document.body.replaceChildren();
  const replayer = new Replayer(events, { root: document.body, mouseTail: false });
  const { totalTime } = replayer.getMetaData();
  replayer.pause(totalTime + 100);
  await new Promise((resolve) => setTimeout(resolve, 300));
  return replayer.iframe.contentDocument.body.innerText.trim();
};`;

async function openPlayer(browser) {
  const settings = { contents: PLAYER, resolveDir: KIT };
  const { outputFiles } = await build({ stdin: settings, bundle: true, write: false, format: 'iife' });
  const page = await browser.newPage();
  await page.setContent('<!doctype html><body></body>');
  await page.addScriptTag({ content: outputFiles[0].text });
  return page;
}

/** The recorded events of the page view that was open at a time. */
function eventsAt(sessionId, at) {
  const file = path.join(SAMPLE, 'raw', 'replays', `${sessionId}.ndjson.gz`);
  const segments = zlib
    .gunzipSync(fs.readFileSync(file))
    .toString('utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const before = segments.filter(({ events }) => events[0].timestamp <= at).at(-1);
  return segments.filter(({ page_view_id }) => page_view_id === before.page_view_id).flatMap(({ events }) => events);
}

const sessions = readLines(path.join(SAMPLE, 'truth.ndjson')).filter(({ kind }) => kind === 'session');
const hurt = sessions.filter(({ journey, replay_kept, steps }) => {
  return journey === 'account' && replay_kept && steps.some(({ step }) => step === 'saw-account');
});
const browser = await launch();
const page = await openPlayer(browser);
for (const { session_id, letter, blank, steps } of hurt) {
  const { at } = steps.find(({ step }) => step === 'saw-account');
  const text = await page.evaluate((events) => window.lastText(events), eventsAt(session_id, at));
  console.log(letter, session_id, blank ? 'blank' : 'fine', JSON.stringify(text.slice(0, 40)));
  assert.equal(text === '', blank);
}
await browser.close();
