// The truth file: sessions, events with their causes, frames with their origins, bugs, deploys, traces.
import { thrown } from './envelopes.mjs';
import { groupBy } from './group.mjs';
import { letterOf, originOf, runRecords, shaNamed, shaOf } from './run.mjs';
import { BUGS, RELEASES } from './story.mjs';

const ANSWERS = {
  cart_without_discount: ['GET', /^\/api\/cart$/],
  checkout_without_discount: ['GET', /^\/api\/cart$/],
  order_without_discount: ['GET', /^\/api\/orders\/\d+$/],
  account_without_preferences: ['GET', /^\/account$/],
};

export function sessionTruths(sessions, kept) {
  return sessions.map((session) => ({
    kind: 'session',
    session_id: session.session_id,
    release: shaOf(session.letter),
    letter: session.letter,
    profile: session.profile,
    device_class: session.profile.startsWith('phone') ? 'mobile' : 'desktop',
    region: session.region,
    user_id: session.user_id,
    bot: session.bot,
    extension: session.extension,
    journey: session.journey,
    steps: session.steps,
    crashed: session.crashed,
    blank: session.blank_at !== null,
    blank_at: session.blank_at,
    contacted_support: session.steps.some(({ step }) => step === 'support'),
    stale: session.stale,
    started_at: session.started_at,
    ended_at: session.ended_at,
    replay_kept: kept.get(session.session_id) ?? false,
  }));
}

/** Every distinct position of our bundles in the events' stacks. */
export function frameTruths(labels) {
  const frames = new Map();
  for (const { event } of labels) {
    const sha = shaNamed(event.release);
    for (const exception of event.exception.values) {
      for (const { filename, lineno, colno } of exception.stacktrace?.frames ?? []) {
        const origin = originOf(letterOf(sha), filename, lineno, colno);
        if (!origin) continue;
        const truth = { kind: 'frame', release: sha, url: filename, line: lineno, column: colno, ...origin };
        frames.set([sha, filename, lineno, colno].join(' '), truth);
      }
    }
  }
  return [...frames.keys()].sort().map((key) => frames.get(key));
}

/** The request whose answer hurt the page: the last such one of the event's trace before the event. */
export function traceTruths(labels) {
  const requests = groupBy(runRecords('access'), ({ trace_id }) => trace_id);
  return labels
    .filter(({ bug }) => bug)
    .map(({ event_id, cause, at, event }) => {
      const [method, path] = ANSWERS[cause];
      const { trace_id } = event.contexts.trace;
      const request = (requests.get(trace_id) ?? [])
        .filter((line) => line.method === method && path.test(line.path) && line.ts <= at)
        .at(-1);
      if (!request)
        throw new Error(`no ${method} ${path} in trace ${trace_id} before event ${event_id} (${thrown(event).value})`);
      return {
        kind: 'trace',
        event_id,
        trace_id,
        backend_request: { method, path: request.path, status: request.status },
      };
    });
}

export const bugTruths = () => BUGS.map((bug) => ({ kind: 'bug', ...bug, release: shaOf(bug.release) }));

/** raw/releases.json */
export function releaseRows() {
  return RELEASES.map(({ letter, deployed }, index) => ({
    release: shaOf(letter),
    environment: 'production',
    deployed_at: new Date(deployed).toISOString(),
    previous_release: index > 0 ? shaOf(RELEASES[index - 1].letter) : null,
    commit: shaOf(letter),
  }));
}

export const deployTruths = () =>
  releaseRows().map((row, index) => ({ kind: 'deploy', letter: RELEASES[index].letter, ...row }));
