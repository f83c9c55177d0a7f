// MANIFEST.json: what made the sample, what is in it, and the digest of every file that is not the kit's.
import crypto from 'node:crypto';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { groupBy } from './group.mjs';
import { runRecords, shaOf } from './run.mjs';
import { CHROMIUM, KIT, SAMPLE } from './settings.mjs';
import { RELEASES } from './story.mjs';

const sha256 = (bytes) => crypto.createHash('sha256').update(bytes).digest('hex');

const tally = (rows, keyOf) =>
  Object.fromEntries([...groupBy(rows, keyOf)].map(([key, found]) => [key, found.length]).sort());

function filesBelow(folder) {
  return fs
    .readdirSync(path.join(SAMPLE, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(SAMPLE, path.join(entry.parentPath ?? entry.path, entry.name)))
    .sort();
}

function chromiumVersion() {
  const output = execFileSync(CHROMIUM, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  return output.trim();
}

/** Writes the manifest and gives its counts. */
export function writeManifest({ sessions, eventTruths, index }) {
  const { dependencies } = JSON.parse(fs.readFileSync(path.join(KIT, 'package.json'), 'utf8'));
  const counts = {
    sessions: sessions.length,
    sessions_by_release: tally(sessions, ({ letter }) => letter),
    error_events: eventTruths.length,
    events_by_cause: tally(eventTruths, ({ cause }) => cause),
    recordings: tally(index, ({ kept_because, dropped_because }) => kept_because ?? dropped_because),
  };
  const manifest = {
    seed: runRecords('run')[0].seed,
    chromium: chromiumVersion(),
    node: process.version,
    packages: dependencies,
    releases: Object.fromEntries(RELEASES.map(({ letter }) => [letter, shaOf(letter)])),
    counts,
    sha256: Object.fromEntries(
      ['raw', 'releases'].flatMap(filesBelow).map((name) => [name, sha256(fs.readFileSync(path.join(SAMPLE, name)))]),
    ),
  };
  fs.writeFileSync(path.join(SAMPLE, 'MANIFEST.json'), JSON.stringify(manifest, null, 1) + '\n');
  return counts;
}
