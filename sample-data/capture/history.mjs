// The shop's git history, made anew: one commit a release, fixed author and dates, so that the SHAs are the same everywhere.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { KIT, WORK } from './settings.mjs';
import { RELEASES } from './story.mjs';

const REPO = path.join(WORK, 'shop');
const PERSON = 'Demo Developer <dev@shop.example>';
const [, NAME, EMAIL] = /(.*) <(.*)>/.exec(PERSON);

function git(args, date) {
  const env = {
    ...process.env,
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_SYSTEM: '/dev/null',
    GIT_AUTHOR_NAME: NAME,
    GIT_AUTHOR_EMAIL: EMAIL,
    GIT_COMMITTER_NAME: NAME,
    GIT_COMMITTER_EMAIL: EMAIL,
    GIT_AUTHOR_DATE: date,
    GIT_COMMITTER_DATE: date,
  };
  const settings = ['-c', 'core.autocrlf=false', '-c', 'core.fileMode=false', '-c', 'init.defaultBranch=main'];
  return execFileSync('git', [...settings, '-C', REPO, ...args], { env, encoding: 'utf8' }).trim();
}

/** Commit every release in turn; `use(letter, sha, folder)` sees each one checked out. */
export async function eachRelease(use) {
  fs.rmSync(REPO, { recursive: true, force: true });
  fs.mkdirSync(REPO, { recursive: true });
  git(['init', '-q']);
  for (const { letter, committed, message } of RELEASES) {
    fs.cpSync(path.join(KIT, 'shop', letter), REPO, { recursive: true });
    git(['add', '-A'], committed);
    git(['commit', '-q', '-m', message], committed);
    await use(letter, git(['rev-parse', 'HEAD']), REPO);
  }
}
