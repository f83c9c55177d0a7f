// Checks what pack.mjs wrote, with nothing but the files themselves: node check.mjs. Prints figures, exits 1 at the first fault.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import zlib from 'node:zlib';
import { parseEnvelope } from './envelopes.mjs';
import { groupBy } from './group.mjs';
import { readLines } from './run.mjs';
import { SAMPLE } from './settings.mjs';
import { RELEASES, STORY_END, STORY_START, SUPPORT_FROM, lifetime } from './story.mjs';

const bytesOf = (name) => fs.readFileSync(path.join(SAMPLE, name));
const unpacked = (name) => (name.endsWith('.gz') ? zlib.gunzipSync(bytesOf(name)) : bytesOf(name)).toString('utf8');
const rows = (name) =>
  unpacked(`raw/${name}.ndjson.gz`)
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
const files = fs
  .readdirSync(SAMPLE, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => path.relative(SAMPLE, path.join(entry.parentPath ?? entry.path, entry.name)))
  .filter((name) => !name.startsWith('capture'));
const day = 86_400_000;
const count = (list, keyOf) =>
  Object.fromEntries([...groupBy(list, keyOf)].map(([key, found]) => [key, found.length]).sort());

function percentile75(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.length ? sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * 0.75))] : NaN;
}

const truth = groupBy(readLines(path.join(SAMPLE, 'truth.ndjson')), ({ kind }) => kind);
const sessions = new Map(truth.get('session').map((session) => [session.session_id, session]));
const labels = new Map(truth.get('event').map((label) => [label.event_id, label]));
const envelopes = rows('envelopes').map(({ received_at, envelope }) => ({ received_at, ...parseEnvelope(envelope) }));
const items = envelopes.flatMap(({ items: found }) => found);
const events = items.filter(({ header }) => header.type === 'event').map(({ payload }) => payload);
const traces = rows('traces.otlp');
const serverSpans = traces.flatMap(({ resourceSpans }) =>
  resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)),
);
const backendTraces = new Set(serverSpans.map(({ traceId }) => traceId));

// Every event has one label, and nothing else has.
assert.deepEqual(new Set(events.map(({ event_id }) => event_id)), new Set(labels.keys()));
for (const event of events) assert.equal(event.tags.session_id, labels.get(event.event_id).session_id);

// Times: within the story, within the release.
const inStory = (at, what) =>
  assert.ok(at >= STORY_START && at <= STORY_END + 10 * 60_000, `${what} at ${new Date(at).toISOString()}`);
for (const { received_at } of envelopes) inStory(received_at, 'envelope');
for (const name of ['beacons', 'page_views']) for (const { ts } of rows(name)) inStory(ts, name);
for (const { ts } of rows('access')) inStory(ts, 'access');
for (const { startTimeUnixNano } of serverSpans) inStory(Number(startTimeUnixNano.slice(0, 13)), 'span');
for (const event of events) inStory(event.timestamp * 1000, 'event');
for (const { session_id, letter, stale, started_at, ended_at } of sessions.values()) {
  const { from, until } = lifetime(letter);
  assert.ok(started_at >= from && (stale || ended_at < until), `session ${session_id} outside of release ${letter}`);
}

// Joins: story errors reach the backend; server spans hang below browser spans.
const story = events.filter(({ event_id }) => labels.get(event_id).bug);
for (const { event_id, contexts } of story)
  assert.ok(backendTraces.has(contexts.trace.trace_id), `event ${event_id} has no trace`);
assert.equal(truth.get('trace').length, truth.get('event').filter(({ bug }) => bug).length);
const browserSpans = new Set(
  items.flatMap(({ header, payload }) => {
    if (header.type === 'span') return payload.items.map(({ span_id }) => span_id);
    if (header.type === 'transaction')
      return [payload.contexts.trace.span_id, ...payload.spans.map(({ span_id }) => span_id)];
    return [];
  }),
);
const apiSpans = serverSpans.filter(({ kind, name }) => kind === 2 && name.includes('/api/'));
const joined = apiSpans.filter(({ parentSpanId }) => browserSpans.has(parentSpanId));

// Support is not called before it can be.
for (const { at } of rows('support')) assert.ok(at >= SUPPORT_FROM);

// Nothing of this machine, no foreign source text, no lost recordings.
const secrets = [`"${os.hostname()}"`, os.homedir() + '/', '/work/', '/root/', 'process.command', 'host.name'];
for (const name of files) {
  const text = unpacked(name);
  for (const secret of secrets) assert.ok(!text.includes(secret), `${name} holds "${secret}"`);
  if (!name.endsWith('.map')) continue;
  const map = JSON.parse(text);
  const foreign = map.sources.filter(
    (source, index) => source.startsWith('node_modules/') && map.sourcesContent[index] !== null,
  );
  assert.deepEqual(foreign, [], name);
}
const index = rows('replays.index');
for (const { session_id, kept, segment_count } of index) {
  const name = `raw/replays/${session_id}.ndjson.gz`;
  assert.equal(files.includes(name), kept, name);
  if (!kept) continue;
  const segments = rows(`replays/${session_id}`);
  assert.deepEqual(
    segments.map(({ seq }) => seq),
    segments.map((_, position) => position),
    `${name}: a segment is missing`,
  );
  assert.equal(segments.length, segment_count);
}
for (const { release } of truth.get('deploy'))
  assert.equal(fs.existsSync(path.join(SAMPLE, 'releases', release)), release !== truth.get('deploy')[2].release);

// The vitals tell the story.
const letterOf = new Map(truth.get('deploy').map(({ release, letter }) => [release, letter]));
const last = new Map(rows('beacons').map((beacon) => [beacon.id, beacon]));
const people = [...last.values()].filter(({ session_id }) => !sessions.get(session_id).bot);
const p75 = (name, keyOf) =>
  Object.fromEntries(
    [
      ...groupBy(
        people.filter((beacon) => beacon.name === name),
        keyOf,
      ),
    ]
      .sort()
      .map(([key, found]) => [
        key,
        `${Math.round(percentile75(found.map(({ value }) => value)) * 1000) / 1000} (${found.length})`,
      ]),
  );
const byRelease = ({ release, device_class }) => `${letterOf.get(release)} ${device_class}`;
console.log('INP p75', p75('INP', byRelease));
console.log('CLS p75', p75('CLS', byRelease));
console.log('LCP p75', p75('LCP', byRelease));
console.log(
  'LCP p75 mobile',
  p75('LCP', ({ device_class, region }) => `${device_class} ${region}`),
);
console.log(
  'sessions',
  count([...sessions.values()], ({ letter, stale }) => letter + (stale ? ' stale' : '')),
);
console.log(
  'profiles',
  count([...sessions.values()], ({ profile }) => profile),
);
console.log(
  'causes',
  count([...labels.values()], ({ cause }) => cause),
);
console.log(
  'story events by release',
  count(
    [...labels.values()].filter(({ bug }) => bug),
    ({ session_id, bug }) => `${sessions.get(session_id).letter} ${bug}`,
  ),
);
console.log(
  'classes',
  count([...labels.values()], ({ noise_class }) => String(noise_class)),
  'of',
  labels.size,
);
console.log(
  'envelope items',
  count(items, ({ header }) => header.type),
);
console.log('API spans below browser spans', joined.length, 'of', apiSpans.length);
console.log(
  'blank sessions',
  [...sessions.values()].filter(({ blank }) => blank).length,
  'support',
  rows('support').length,
);
console.log('first support', new Date(Math.min(...rows('support').map(({ at }) => at))).toISOString());
console.log(
  'replays',
  count(index, (row) => row.kept_because ?? row.dropped_because),
);
console.log(
  'bytes',
  files.reduce((sum, name) => sum + bytesOf(name).length, 0),
  'in',
  files.length,
  'files; days',
  (STORY_END - STORY_START) / day,
  RELEASES.length,
);
