// Packs a run into raw/ and truth.ndjson: every session moved by its one shift, everything in order of time, then id.
import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { errorEvents, formatEnvelope, parseEnvelope } from './envelopes.mjs';
import { labelEvents } from './label.mjs';
import { writeManifest } from './manifest.mjs';
import { keepRecordings } from './retention.mjs';
import { runRecords, shiftedSessions } from './run.mjs';
import { SAMPLE } from './settings.mjs';
import { shifterFor } from './shift.mjs';
import { tracesOf } from './traces.mjs';
import { bugTruths, deployTruths, frameTruths, releaseRows, sessionTruths, traceTruths } from './truth.mjs';

const RAW = path.join(SAMPLE, 'raw');

function ordered(rows, time, id) {
  const keyed = rows.map((row) => ({ row, at: time(row), id: id(row) }));
  keyed.sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  return keyed.map(({ row }) => row);
}

const linesOf = (rows) => rows.map((row) => JSON.stringify(row) + '\n').join('');

function write(name, rows) {
  const file = path.join(RAW, `${name}.ndjson.gz`);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, zlib.gzipSync(linesOf(rows), { level: 9 }));
}

const sessions = shiftedSessions();
const shifts = new Map(sessions.map(({ session_id, shift_ms }) => [session_id, shift_ms]));
const times = sessions.flatMap(({ started_at, ended_at }) => [started_at, ended_at]);
const shifted = shifterFor(Math.min(...times), Math.max(...times));
const move = (row) => shifted(row, shifts.get(row.session_id));
const records = (name) => runRecords(name).filter(({ session_id }) => shifts.has(session_id));

const envelopes = records('envelopes');
const access = records('access');
const support = records('support');
const labels = labelEvents(sessions);
const recordings = keepRecordings(records('replays'), {
  failing: new Set([...errorEvents(envelopes)].map(({ session_id }) => session_id)),
  supported: new Set(support.map(({ session_id }) => session_id)),
});

function movedEnvelope({ received_at, session_id, envelope }) {
  const shift = shifts.get(session_id);
  return { received_at: received_at + shift, envelope: formatEnvelope(shifted(parseEnvelope(envelope), shift)) };
}

const received = ({ received_at }) => received_at;
const session = ({ session_id }) => session_id;
const whole = (row) => JSON.stringify(row);

fs.rmSync(path.join(RAW, 'replays'), { recursive: true, force: true });
fs.mkdirSync(RAW, { recursive: true });
fs.writeFileSync(path.join(RAW, 'releases.json'), JSON.stringify(releaseRows(), null, 1) + '\n');
write('envelopes', ordered(envelopes.map(movedEnvelope), received, whole));
write('beacons', ordered(records('beacons').map(move), received, whole));
write('page_views', ordered(records('page_views').map(move), received, whole));
write(
  'support',
  ordered(support.map(move), ({ at }) => at, session),
);
write(
  'access',
  ordered(access.map(move), ({ ts }) => ts, whole),
);
const served = new Set(access.map(({ trace_id }) => trace_id));
write('traces.otlp', tracesOf(runRecords('traces'), served, shifts, shifted));
const moves = sessions.map(({ session_id, shift_ms }) => ({ session_id, shift_ms }));
write(
  'shifts',
  ordered(moves, () => 0, session),
);
const index = recordings.map((recording) => move(recording.index));
write(
  'replays.index',
  ordered(index, ({ started_at }) => started_at, session),
);
for (const { index: row, segments } of recordings) if (row.kept) write(`replays/${row.session_id}`, segments.map(move));

const kept = new Map(index.map((row) => [row.session_id, row.kept]));
const eventTruths = labels.map(({ event: _event, ...label }) => move(label));
const truth = [
  ...deployTruths(),
  ...bugTruths(),
  ...ordered(sessionTruths(sessions, kept).map(move), ({ started_at }) => started_at, session),
  ...ordered(
    eventTruths,
    ({ at }) => at,
    ({ event_id }) => event_id,
  ),
  ...ordered(
    traceTruths(labels),
    () => 0,
    ({ event_id }) => event_id,
  ),
  ...frameTruths(labels),
];
fs.writeFileSync(path.join(SAMPLE, 'truth.ndjson'), linesOf(truth));
console.log(writeManifest({ sessions, eventTruths, index }));
