// Checks the packed sample with nothing but its own files: node check.mjs. Stops at the first fault.
import assert from 'node:assert/strict';
import os from 'node:os';
import * as sample from './sample.mjs';
import { FIRST_CALLER, STORY_END, STORY_START, WITHOUT_MAPS, lifetime } from './story.mjs';

const { deploys, envelopes, events, files, labels, rows, serverSpans, sessions, truth } = sample;
const LAST_SESSION = 10 * 60_000;

function everyEventIsLabelled() {
  assert.deepEqual(new Set(events.map(({ event_id }) => event_id)), new Set(labels.keys()));
  for (const { event_id, tags } of events) assert.equal(tags.session_id, labels.get(event_id).session_id);
}

function everythingLiesInTheStory() {
  const inside = (at, what) => {
    assert.ok(at >= STORY_START && at <= STORY_END + LAST_SESSION, `${what} at ${new Date(at).toISOString()}`);
  };
  for (const { received_at } of envelopes) inside(received_at, 'an envelope');
  for (const { timestamp } of events) inside(timestamp * 1000, 'an event');
  for (const { startTimeUnixNano } of serverSpans) inside(Number(startTimeUnixNano.slice(0, 13)), 'a span');
  for (const name of ['beacons', 'page_views', 'access']) for (const { ts } of rows(name)) inside(ts, name);
  for (const { at } of rows('support')) assert.ok(at >= FIRST_CALLER, 'support was called too early');
}

function sessionsLieInTheirRelease() {
  for (const { session_id, letter, stale, started_at, ended_at } of sessions.values()) {
    const { from, until } = lifetime(letter);
    assert.ok(started_at >= from && (stale || ended_at < until), `session ${session_id} outside of release ${letter}`);
  }
}

function storyErrorsReachTheBackend() {
  const traces = new Set(serverSpans.map(({ traceId }) => traceId));
  const story = events.filter(({ event_id }) => labels.get(event_id).bug);
  for (const { event_id, contexts } of story)
    assert.ok(traces.has(contexts.trace.trace_id), `${event_id} has no trace`);
  assert.equal(truth.get('trace').length, [...labels.values()].filter(({ bug }) => bug).length);
}

function nothingOfThisMachine() {
  const marks = [`"${os.hostname()}"`, `${os.homedir()}/`, `${process.cwd()}/`, 'process.command', 'host.name'];
  for (const name of files) {
    const text = sample.textOf(name);
    for (const mark of marks) assert.ok(!text.includes(mark), `${name} holds ${mark}`);
  }
}

function mapsHoldOurSourcesOnly() {
  for (const name of files.filter((file) => file.endsWith('.map'))) {
    const { sources, sourcesContent } = JSON.parse(sample.textOf(name));
    sources.forEach((source, index) => {
      const foreign = source.startsWith('node_modules/');
      assert.equal(sourcesContent[index] === null, foreign, `${name}: ${source}`);
    });
  }
  for (const [letter, { release }] of deploys) {
    const uploaded = files.includes(`releases/${release}/artifacts.json`);
    assert.equal(uploaded, !WITHOUT_MAPS.includes(letter), `maps of release ${letter}`);
  }
}

function recordingsAreWhole() {
  for (const { session_id, kept, segment_count } of rows('replays.index')) {
    assert.equal(files.includes(`raw/replays/${session_id}.ndjson.gz`), kept, session_id);
    if (!kept) continue;
    const numbers = rows(`replays/${session_id}`).map(({ seq }) => seq);
    assert.deepEqual(numbers, [...Array(segment_count).keys()], `${session_id}: a segment is missing`);
  }
}

const checks = [
  everyEventIsLabelled,
  everythingLiesInTheStory,
  sessionsLieInTheirRelease,
  storyErrorsReachTheBackend,
  nothingOfThisMachine,
  mapsHoldOurSourcesOnly,
  recordingsAreWhole,
];
for (const check of checks) {
  check();
  console.log('holds:', check.name);
}
