// A finished run as it lies on the disk: its records, its builds, the whole maps.
import fs from 'node:fs';
import path from 'node:path';
import { TraceMap, originalPositionFor } from '@jridgewell/trace-mapping';
import { RUN, WORK } from './settings.mjs';
import { RELEASES } from './story.mjs';

export const readLines = (file) =>
  fs.existsSync(file)
    ? fs
        .readFileSync(file, 'utf8')
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line))
    : [];

export const runRecords = (name) => readLines(path.join(RUN, `${name}.ndjson`));

export const builds = JSON.parse(fs.readFileSync(path.join(WORK, 'builds.json'), 'utf8'));
export const shaOf = (letter) => builds[letter].sha;

/** The full SHA of a release, however its events name it (D's say `shop@` and twelve digits). */
export function shaNamed(name) {
  const digits = name.replace(/^shop@/, '');
  return RELEASES.map(({ letter }) => shaOf(letter)).find((sha) => sha.startsWith(digits));
}

export const letterOf = (sha) => RELEASES.find(({ letter }) => shaOf(letter) === sha).letter;

const maps = new Map();

function mapOf(letter, bundle) {
  const file = path.join(WORK, 'dist', letter, 'assets', `${bundle}.map`);
  if (!maps.has(file)) maps.set(file, fs.existsSync(file) ? new TraceMap(fs.readFileSync(file, 'utf8')) : null);
  return maps.get(file);
}

/** Where a position of a bundle (1-based) comes from, by the whole, unslimmed map; null outside our bundles. */
export function originOf(letter, url, line, column) {
  const bundle = /\/assets\/([^/?#]+\.js)$/.exec(url ?? '')?.[1];
  const map = bundle && line > 0 ? mapOf(letter, bundle) : null;
  if (!map) return null;
  const origin = originalPositionFor(map, { line, column: column - 1 });
  if (origin.source === null) return { source: null, source_line: null, source_column: null, name: null };
  return { source: origin.source, source_line: origin.line, source_column: origin.column + 1, name: origin.name };
}

/** Sessions of the run with their one shift: to the planned time, or so that the switch falls on the deploy. */
export function shiftedSessions() {
  // a resumed run may put a release into service twice; its deploy is the first time
  const switches = Object.fromEntries(
    runRecords('switches')
      .reverse()
      .map(({ letter, at }) => [letter, at]),
  );
  return runRecords('sessions').map((session) => {
    const next = RELEASES[RELEASES.findIndex(({ letter }) => letter === session.letter) + 1];
    const shift = session.stale ? next.deployed - switches[next.letter] : session.starts - session.started_at;
    return { ...session, shift_ms: Math.round(shift) };
  });
}
