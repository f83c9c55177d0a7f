// Drives real Chromium through the story: node drive.mjs [--seed 1] [--scale 1] [--concurrency 3] [--resume]
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { launch, openPage } from './browser.mjs';
import { Visit, walk, walkStale } from './journeys.mjs';
import { planSessions, randomFrom } from './plan.mjs';
import { runRecords } from './run.mjs';
import { answers, serve, sleep, start } from './servers.mjs';
import { PORTS, PORT_BASE, RUN } from './settings.mjs';
import { RELEASES } from './story.mjs';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    scale: { type: 'string', default: '1' },
    concurrency: { type: 'string', default: '3' },
    resume: { type: 'boolean', default: false },
  },
});
const [seed, scale, concurrency] = [values.seed, values.scale, values.concurrency].map(Number);

const record = (name, line) => fs.appendFileSync(path.join(RUN, name), JSON.stringify(line) + '\n');

/** `switched` resolves when the next release is in service; only stale tabs wait for it. */
async function runSession(browser, session, switched) {
  const started_at = Date.now();
  const page = await openPage(browser, session, record);
  const visit = new Visit(page, randomFrom(session.seed), session);
  let broke = null;
  try {
    await (session.stale ? walkStale(visit, switched) : walk(visit));
  } catch (error) {
    broke = error.message.split('\n')[0];
  }
  await page.goto('about:blank');
  await sleep(350 + 3 * session.network.latency);
  await page.context().close();
  const { profile, network: _network, ...planned } = session;
  const who = { profile: profile.name, bot: Boolean(profile.bot), extension: Boolean(profile.extension) };
  const seen = { steps: visit.steps, crashed: visit.crashed, blank_at: visit.blankAt, broke };
  record('sessions.ndjson', { ...planned, ...who, ...seen, started_at, ended_at: Date.now() });
}

/** What a session left behind that was cut short is dropped before it is driven again. */
function forgetUnfinished(done) {
  for (const name of ['envelopes', 'beacons', 'page_views', 'replays', 'access', 'support', 'browser_view']) {
    const file = path.join(RUN, `${name}.ndjson`);
    const kept = runRecords(name).filter(({ session_id }) => done.has(session_id));
    if (fs.existsSync(file)) fs.writeFileSync(file, kept.map((line) => JSON.stringify(line) + '\n').join(''));
  }
}

/** A session whose browser fails is written down and left out of the sample. */
async function attempt(browser, session, switched) {
  try {
    await runSession(browser, session, switched);
  } catch (error) {
    record('failed.ndjson', { session_id: session.session_id, error: error.message });
  }
}

async function visitInTurn(browser, sessions) {
  const queue = [...sessions];
  const worker = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) await attempt(browser, next);
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}

async function openStaleTabs(browser, sessions, switched) {
  const tabs = [];
  for (const session of sessions) {
    tabs.push(attempt(browser, session, switched));
    await sleep(1500);
  }
  if (tabs.length > 0) await sleep(5000);
  return tabs;
}

if (!values.resume) fs.rmSync(RUN, { recursive: true, force: true });
fs.mkdirSync(RUN, { recursive: true });
const done = new Set(runRecords('sessions').map(({ session_id }) => session_id));
forgetUnfinished(done);
record('run.ndjson', { seed, scale, concurrency });
start(['collector.mjs'], { PORT_BASE });
await answers(`http://127.0.0.1:${PORTS.collector}/`);
const browser = await launch();
const plan = planSessions(seed, scale).filter(({ session_id }) => !done.has(session_id));
let staleTabs = [];
let announce = () => {};
let stopServing = async () => {};
for (const { letter } of RELEASES) {
  const sessions = plan.filter((session) => session.letter === letter);
  if (sessions.length === 0) continue;
  await stopServing();
  stopServing = await serve(letter);
  record('switches.ndjson', { letter, at: Date.now() });
  announce();
  const turn = visitInTurn(
    browser,
    sessions.filter(({ stale }) => !stale),
  );
  await Promise.all([turn, ...staleTabs]);
  const switched = new Promise((resolve) => (announce = resolve));
  staleTabs = await openStaleTabs(
    browser,
    sessions.filter(({ stale }) => stale),
    switched,
  );
  console.log(letter, 'done', new Date().toISOString());
}
await sleep(1500);
await stopServing();
await browser.close();
process.exit(0);
