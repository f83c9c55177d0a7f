import { getCurrentScope } from '@sentry/react';
import { onCLS, onFCP, onINP, onLCP, onTTFB, type MetricWithAttribution } from 'web-vitals/attribution';
import { collector, device, environment, pageViewId, region, release, route, sessionId, userId } from './identity';

type Connected = Navigator & { connection?: { effectiveType?: string } };

function beacon(path: string, fields: object): void {
  const body = {
    ts: Date.now(),
    session_id: sessionId,
    page_view_id: pageViewId,
    user_id: userId,
    release,
    environment,
    url: location.href,
    route,
    region,
    device_class: device,
    user_agent: navigator.userAgent,
    trace_id: getCurrentScope().getPropagationContext().traceId,
    ...fields,
  };
  navigator.sendBeacon(collector + path, JSON.stringify(body));
}

/** Attribution as web-vitals gives it, without nodes and performance entries. */
function plain(attribution: object): unknown {
  return JSON.parse(
    JSON.stringify(attribution, (key, value) => {
      if (value instanceof Node || value instanceof PerformanceEntry) return undefined;
      return /entr(y|ies)$/i.test(key) ? undefined : value;
    }),
  );
}

function sendVital(metric: MetricWithAttribution): void {
  const { name, value, rating, delta, id, navigationType, attribution } = metric;
  const connection = (navigator as Connected).connection?.effectiveType ?? null;
  const fields = { name, value, rating, delta, id, navigationType, connection };
  beacon('/vitals', { ...fields, attribution: plain(attribution) });
}

export function sendPageView(): void {
  const [navigation] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[];
  const viewport = `${innerWidth}x${innerHeight}`;
  beacon('/page-views', { navigationType: navigation?.type ?? null, viewport });
}

export function watchVitals(): void {
  onLCP(sendVital);
  onCLS(sendVital);
  onINP(sendVital);
  onFCP(sendVital);
  onTTFB(sendVital);
}
