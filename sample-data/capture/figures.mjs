// Prints what the packed sample amounts to: counts by cause, vitals by release, joins, size. node figures.mjs
import { groupBy } from './group.mjs';
import * as sample from './sample.mjs';

const { deploys, files, items, labels, rows, serverSpans, sessions } = sample;
const count = (list, keyOf) =>
  Object.fromEntries([...groupBy(list, keyOf)].map(([key, found]) => [key, found.length]).sort());

function percentile75(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const rank = 0.75 * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(rank)], sorted[Math.ceil(rank)]];
  return low + (high - low) * (rank - Math.floor(rank));
}

/** p75 and number of page views of a metric, people only, the last beacon of each measurement. */
function p75(name, keyOf) {
  const last = new Map(rows('beacons').map((beacon) => [beacon.id, beacon]));
  const people = [...last.values()].filter((beacon) => beacon.name === name && !sessions.get(beacon.session_id).bot);
  const cell = (found) => `${Number(percentile75(found.map(({ value }) => value)).toFixed(3))} (${found.length})`;
  return Object.fromEntries([...groupBy(people, keyOf)].sort().map(([key, found]) => [key, cell(found)]));
}

const letters = new Map([...deploys].map(([letter, { release }]) => [release, letter]));
const byRelease = ({ release, device_class }) => `${letters.get(release)} ${device_class}`;
const byRegion = ({ device_class, region }) => `${device_class} ${region}`;
const people = [...sessions.values()];
const errors = [...labels.values()];
const story = errors.filter(({ bug }) => bug);
const hit = new Set(story.map(({ session_id }) => session_id));
const calls = serverSpans.filter(
  (span) =>
    span.kind === 2 && span.name.includes('/api/') && !sessions.get(sample.attributeOf(span, 'session.id'))?.bot,
);
const durations = (letter) =>
  rows('traces.otlp').flatMap(({ resourceSpans }) =>
    resourceSpans
      .filter(({ resource }) => sample.attributeOf(resource, 'service.version') === deploys.get(letter).release)
      .flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))
      .filter(({ name }) => name === 'SELECT stock_move')
      .map(
        ({ startTimeUnixNano, endTimeUnixNano }) => Number(BigInt(endTimeUnixNano) - BigInt(startTimeUnixNano)) / 1e6,
      ),
  );

console.log(
  'sessions',
  sessions.size,
  count(people, ({ letter, stale }) => letter + (stale ? ' stale' : '')),
);
console.log(
  'profiles',
  count(people, ({ profile }) => profile),
);
console.log(
  'journeys',
  count(people, ({ journey }) => journey),
);
console.log(
  'error events',
  labels.size,
  count(errors, ({ cause }) => cause),
);
console.log(
  'noise',
  count(errors, ({ noise_class }) => String(noise_class)),
  `share ${(1 - story.length / labels.size).toFixed(3)}`,
);
console.log(
  'story events',
  count(story, ({ session_id, bug }) => `${sessions.get(session_id).letter} ${bug}`),
);
console.log(
  'hit sessions',
  count([...hit], (id) => sessions.get(id).letter),
);
console.log('LCP p75', p75('LCP', byRelease), p75('LCP', byRegion));
console.log('INP p75', p75('INP', byRelease));
console.log('CLS p75', p75('CLS', byRelease));
console.log(
  'stock query p75 ms',
  Object.fromEntries([...deploys.keys()].map((letter) => [letter, percentile75(durations(letter)).toFixed(1)])),
);
console.log(
  'envelope items',
  count(items, ({ header }) => header.type),
);
console.log(
  'server spans',
  serverSpans.length,
  'API calls of people below a browser span',
  calls.filter(({ parentSpanId }) => sample.browserSpanIds.has(parentSpanId)).length,
  'of',
  calls.length,
);
console.log('blank sessions', people.filter(({ blank }) => blank).length);
console.log(
  'support',
  rows('support').length,
  'from',
  new Date(Math.min(...rows('support').map(({ at }) => at))).toISOString(),
);
console.log(
  'recordings',
  count(rows('replays.index'), (row) => row.kept_because ?? row.dropped_because),
);
console.log(
  'bytes',
  files.reduce((sum, name) => sum + sample.bytesOf(name).length, 0),
  'in',
  files.length,
  'files',
);
