// Packs a run into raw/, truth and MANIFEST: every session moved by its one shift, everything in order of time, then id.
import crypto from 'node:crypto';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { errorEvents, formatEnvelope, parseEnvelope } from './envelopes.mjs';
import { groupBy } from './group.mjs';
import { labelEvents } from './label.mjs';
import { keepRecordings } from './retention.mjs';
import { readLines, runRecords, shiftedSessions, shaOf } from './run.mjs';
import { CHROMIUM, KIT, RUN, SAMPLE } from './settings.mjs';
import { shifterFor } from './shift.mjs';
import { tracesOf } from './traces.mjs';
import { bugTruths, deployTruths, frameTruths, releaseRows, sessionTruths, traceTruths } from './truth.mjs';

const RAW = path.join(SAMPLE, 'raw');
const sha256 = (bytes) => crypto.createHash('sha256').update(bytes).digest('hex');
const byTimeThenId = (a, b) => a.order - b.order || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);

function ordered(rows, time, id) {
  return rows
    .map((row) => ({ row, order: time(row), id: id(row) }))
    .sort(byTimeThenId)
    .map(({ row }) => row);
}

const linesOf = (rows) => rows.map((row) => JSON.stringify(row) + '\n').join('');

function writeLines(name, rows) {
  const file = path.join(RAW, `${name}.ndjson.gz`);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, zlib.gzipSync(linesOf(rows), { level: 9 }));
}

const sessions = shiftedSessions();
const shifts = new Map(sessions.map(({ session_id, shift_ms }) => [session_id, shift_ms]));
const times = sessions.flatMap(({ started_at, ended_at }) => [started_at, ended_at]);
const shifted = shifterFor(Math.min(...times), Math.max(...times));
const known = (rows) => rows.filter(({ session_id }) => shifts.has(session_id));
const move = (row) => shifted(row, shifts.get(row.session_id));

function movedEnvelope({ received_at, session_id, envelope }) {
  const shift = shifts.get(session_id);
  return { received_at: received_at + shift, envelope: formatEnvelope(shifted(parseEnvelope(envelope), shift)) };
}

const labels = labelEvents(sessions);
const envelopes = known(runRecords('envelopes'));
const recordings = keepRecordings(known(runRecords('replays')), {
  failing: new Set([...errorEvents(envelopes)].map(({ session_id }) => session_id)),
  supported: new Set(runRecords('support').map(({ session_id }) => session_id)),
});

fs.rmSync(path.join(RAW, 'replays'), { recursive: true, force: true });
fs.mkdirSync(RAW, { recursive: true });
fs.writeFileSync(path.join(RAW, 'releases.json'), JSON.stringify(releaseRows(), null, 1) + '\n');
writeLines(
  'envelopes',
  ordered(
    envelopes.map(movedEnvelope),
    (row) => row.received_at,
    (row) => row.envelope,
  ),
);
const received = (rows) =>
  ordered(
    known(rows).map(move),
    (row) => row.received_at,
    (row) => JSON.stringify(row),
  );
writeLines('beacons', received(runRecords('beacons')));
writeLines('page_views', received(runRecords('page_views')));
writeLines(
  'support',
  ordered(
    known(runRecords('support')).map(move),
    (row) => row.at,
    (row) => row.session_id,
  ),
);
writeLines(
  'access',
  ordered(
    known(runRecords('access')).map(move),
    (row) => row.ts,
    (row) => JSON.stringify(row),
  ),
);
writeLines('traces.otlp', tracesOf(runRecords('traces'), shifts, shifted));
writeLines(
  'shifts',
  ordered(
    sessions.map(({ session_id, shift_ms }) => ({ session_id, shift_ms })),
    () => 0,
    (row) => row.session_id,
  ),
);
writeLines(
  'replays.index',
  ordered(
    recordings.map(({ index }) => move(index)),
    (row) => row.started_at,
    (row) => row.session_id,
  ),
);
for (const { index, segments } of recordings)
  if (index.kept) writeLines(`replays/${index.session_id}`, segments.map(move));

const kept = new Map(recordings.map(({ index }) => [index.session_id, index.kept]));
const eventTruths = labels.map(({ event: _event, ...label }) => label);
const truth = [
  ...deployTruths(),
  ...bugTruths(),
  ...ordered(
    sessionTruths(sessions, kept).map(move),
    (row) => row.started_at,
    (row) => row.session_id,
  ),
  ...ordered(
    eventTruths.map(move),
    (row) => row.at,
    (row) => row.event_id,
  ),
  ...ordered(
    traceTruths(labels),
    () => 0,
    (row) => row.event_id,
  ),
  ...frameTruths(labels),
];
fs.writeFileSync(path.join(SAMPLE, 'truth.ndjson'), linesOf(truth));

function filesBelow(folder) {
  return fs
    .readdirSync(path.join(SAMPLE, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(SAMPLE, path.join(entry.parentPath ?? entry.path, entry.name)))
    .sort();
}

const { dependencies } = JSON.parse(fs.readFileSync(path.join(KIT, 'package.json'), 'utf8'));
const tally = (keyOf) =>
  Object.fromEntries([...groupBy(eventTruths, keyOf)].map(([key, rows]) => [key, rows.length]).sort());
const manifest = {
  seed: readLines(path.join(RUN, 'run.json'))[0].seed,
  chromium: execFileSync(CHROMIUM, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim(),
  node: process.version,
  packages: dependencies,
  releases: Object.fromEntries(['A', 'B', 'C', 'D'].map((letter) => [letter, shaOf(letter)])),
  counts: {
    sessions: sessions.length,
    error_events: labels.length,
    events_by_cause: tally(({ cause }) => cause),
    replays_kept: recordings.filter(({ index }) => index.kept).length,
    replays_dropped: recordings.filter(({ index }) => !index.kept).length,
  },
  sha256: Object.fromEntries(
    [...filesBelow('raw'), ...filesBelow('releases')].map((name) => [
      name,
      sha256(fs.readFileSync(path.join(SAMPLE, name))),
    ]),
  ),
};
fs.writeFileSync(path.join(SAMPLE, 'MANIFEST.json'), JSON.stringify(manifest, null, 1) + '\n');
console.log(manifest.counts);
