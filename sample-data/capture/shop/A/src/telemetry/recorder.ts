import { record } from '@rrweb/record';
import { collector, pageViewId, release, sessionId } from './identity';

/** A browser refuses beacons above 64 KiB; they share that budget while they are in flight. */
const BEACON_LIMIT = 30_000;

function nextSegment(): number {
  const seq = Number(sessionStorage.getItem('segments') ?? 0);
  sessionStorage.setItem('segments', String(seq + 1));
  return seq;
}

function send(events: unknown[]): void {
  const segment = { session_id: sessionId, page_view_id: pageViewId, release, seq: nextSegment(), events };
  const body = JSON.stringify(segment);
  const queued = body.length < BEACON_LIMIT && navigator.sendBeacon(collector + '/replays', body);
  if (!queued) void fetch(collector + '/replays', { method: 'POST', body }).catch(() => undefined);
}

export function startRecorder(maskAllInputs: boolean): void {
  let waiting: unknown[] = [];
  const flush = () => {
    if (waiting.length > 0) send(waiting);
    waiting = [];
  };
  record({
    emit: (event) => waiting.push(event),
    maskAllInputs,
    sampling: { mousemove: 50, scroll: 150, input: 'last' },
  });
  flush();
  setInterval(flush, 2000);
  addEventListener('visibilitychange', () => document.visibilityState === 'hidden' && flush());
  addEventListener('pagehide', flush);
}
