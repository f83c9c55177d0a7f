// Names the one cause of every error event, from what the driver did and what the browser itself reported, unmuted.
import { errorEvents, thrown } from './envelopes.mjs';
import { groupBy } from './group.mjs';
import { letterOf, originOf, runRecords, shaNamed } from './run.mjs';

const CLOCK_SLACK = 4000;
const CHAT_WIDGET = 'http://widgets.localhost';
const HURT_COMPONENTS = {
  'src/components/CartDrawer.tsx': { cause: 'cart_without_discount', bug: 'missing-discount' },
  'src/components/CheckoutForm.tsx': { cause: 'checkout_without_discount', bug: 'missing-discount' },
  'src/components/OrderSummary.tsx': { cause: 'order_without_discount', bug: 'missing-discount' },
  'src/components/AccountPage.tsx': { cause: 'account_without_preferences', bug: 'blank-account' },
};
/** What each release left broken. */
const BROKEN = {
  A: [],
  B: ['cart_without_discount', 'checkout_without_discount', 'order_without_discount', 'account_without_preferences'],
  C: ['cart_without_discount', 'order_without_discount', 'account_without_preferences'],
  D: [],
};

const noise = (cause, noise_class) => ({ cause, bug: null, noise_class });

/**
 * What the browser's debugger saw nearest to an event, of those that could be it. It doesn't report ResizeObserver
 * loops; those are explained by where they happen, the product page being the only one that observes sizes. Nor what React
 * hands to the tracker alone; there the driver looked at the screen.
 */
function sightingOf(event, session, sightings) {
  const at = event.timestamp * 1000;
  const { value } = thrown(event);
  const path = new URL(event.request.url).pathname;
  if (value.startsWith('ResizeObserver loop') && path.startsWith('/product/'))
    return { kind: 'page', text: value, url: null };
  const muted = value === 'Script error.';
  const possible = sightings.filter(
    (seen) =>
      Math.abs(seen.at - at) < CLOCK_SLACK &&
      (muted
        ? seen.kind === 'exception' && seen.url && !seen.url.includes('shop.localhost')
        : seen.text.includes(value)),
  );
  // the debugger may hang up before the last error of a closing page; of other origins' scripts the page has only one
  if (muted && possible.length === 0 && !session.extension) return { kind: 'page', text: value, url: CHAT_WIDGET };
  const wentBlank = session.blank_at && Math.abs(session.blank_at - at) < CLOCK_SLACK;
  const screen = wentBlank && !muted ? { kind: 'screen', text: value, url: null } : undefined;
  return possible.sort((a, b) => Math.abs(a.at - at) - Math.abs(b.at - at))[0] ?? screen;
}

/** The driver's last step before an event. */
const stepBefore = (session, at) => session.steps.filter((step) => step.at <= at + 50).at(-1)?.step;
/** Whether the driver was at one of these steps, or had just been. */
const didNear = (session, names, at) =>
  names.includes(stepBefore(session, at)) ||
  session.steps.some(({ step, at: when }) => names.includes(step) && at - when > -1500 && at - when < 8000);

function storyOf(event, letter) {
  for (const frame of thrown(event).frames) {
    const origin = originOf(letter, frame.filename, frame.lineno, frame.colno);
    if (!origin) continue;
    const hurt = HURT_COMPONENTS[origin.source];
    return hurt && BROKEN[letter].includes(hurt.cause) ? { ...hurt, noise_class: null } : null;
  }
  return null;
}

function noiseOf(event, session, seen) {
  const at = event.timestamp * 1000;
  const text = seen.text;
  if (seen.url?.startsWith('chrome-extension://') && session.extension) {
    return noise(`extension_${/(\w+)\.js$/.exec(seen.url)[1]}`, 'extension');
  }
  if (seen.url?.startsWith(CHAT_WIDGET)) return noise('chat_widget', 'opaque');
  if (text.includes('removeChild') && session.extension) return noise('extension_removed_node', 'dom_tampering');
  if (text.includes('ResizeObserver loop')) return noise('resize_observer_loop', 'benign_browser');
  if (text.includes('AbortError') && didNear(session, ['search', 'stop'], at)) return noise('typed_on', 'cancelled');
  if (text.includes('dynamically imported module') && session.stale && stepBefore(session, at) === 'reviews') {
    return noise('stale_chunk', 'stale_deploy');
  }
  if (text.includes('Failed to fetch') && stepBefore(session, at) === 'stop')
    return noise('stopped_loading', 'cancelled');
  if (text.includes('Failed to fetch') && didNear(session, ['open', 'cart', 'support'], at))
    return noise('left_page', 'cancelled');
  return null;
}

function labelOf(event, session, sightings) {
  const letter = letterOf(shaNamed(event.release));
  const seen = sightingOf(event, session, sightings);
  const found = seen && (storyOf(event, letter) ?? noiseOf(event, session, seen));
  if (!found) {
    const { type, value } = thrown(event);
    const where = `${session.session_id} ${session.profile} ${session.journey} release ${letter}`;
    throw new Error(`no cause for ${event.event_id} (${type}: ${value}) in ${where}; seen: ${JSON.stringify(seen)}`);
  }
  return session.bot ? { cause: 'crawler', underlying: found.cause, bug: null, noise_class: 'bot' } : found;
}

/** One label an event, in captured time. */
export function labelEvents(sessions) {
  const known = new Map(sessions.map((session) => [session.session_id, session]));
  const sightings = groupBy(runRecords('browser_view'), (seen) => seen.session_id);
  return [...errorEvents(runRecords('envelopes'))]
    .filter(({ session_id }) => known.has(session_id))
    .map(({ session_id, event }) => {
      const label = labelOf(event, known.get(session_id), sightings.get(session_id) ?? []);
      return {
        kind: 'event',
        event_id: event.event_id,
        session_id,
        ...label,
        at: Math.round(event.timestamp * 1000),
        event,
      };
    });
}
