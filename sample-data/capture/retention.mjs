// Which recordings a replay store keeps: all with an error or a call for support, half of the others, none that is too short.
import crypto from 'node:crypto';
import { groupBy } from './group.mjs';

const SAMPLED = 0.5;
const SHORTEST = 5000;

/** A number in [0, 1) that a session always gets. */
const lot = (sessionId) =>
  parseInt(crypto.createHash('sha256').update(sessionId).digest('hex').slice(0, 8), 16) / 2 ** 32;

function verdict(sessionId, duration, { failing, supported }) {
  if (failing.has(sessionId)) return { kept: true, kept_because: 'error' };
  if (supported.has(sessionId)) return { kept: true, kept_because: 'support' };
  if (duration < SHORTEST) return { kept: false, dropped_because: 'too_short' };
  return lot(sessionId) < SAMPLED
    ? { kept: true, kept_because: 'sample' }
    : { kept: false, dropped_because: 'sampled_out' };
}

/** One index row a session with its segments, in captured time. */
export function keepRecordings(segments, evidence) {
  return [...groupBy(segments, ({ session_id }) => session_id)].map(([session_id, received]) => {
    const ordered = received.sort((a, b) => a.seq - b.seq);
    const kept = ordered.map(({ page_view_id, release, seq, events }) => ({
      session_id,
      page_view_id,
      release,
      seq,
      events,
    }));
    const times = kept.flatMap(({ events }) => events.map(({ timestamp }) => timestamp));
    const [started_at, ended_at] = [Math.min(...times), Math.max(...times)];
    const index = {
      session_id,
      replay_id: session_id,
      ...verdict(session_id, ended_at - started_at, evidence),
      started_at,
      ended_at,
      segment_count: kept.length,
      event_count: times.length,
      bytes: kept.reduce((sum, segment) => sum + Buffer.byteLength(JSON.stringify(segment)), 0),
    };
    return { index, segments: kept };
  });
}
