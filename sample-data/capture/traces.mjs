// Spans as the exporters sent them, regrouped to one request a trace: exporters batch traces of sessions with different shifts.
import { groupBy } from './group.mjs';

const attribute = (holder, key) => holder.attributes.find((candidate) => candidate.key === key)?.value.stringValue;

function* spansOf(requests) {
  for (const { resourceSpans } of requests) {
    for (const { resource, scopeSpans } of resourceSpans) {
      for (const { scope, spans } of scopeSpans) for (const span of spans) yield { resource, scope, span };
    }
  }
}

const byStart = (a, b) => Number(BigInt(a.span.startTimeUnixNano) - BigInt(b.span.startTimeUnixNano));
const startOf = (rows) => rows[0].span.startTimeUnixNano;

function requestOf(rows) {
  const resourceSpans = [...groupBy(rows, ({ resource }) => attribute(resource, 'service.name')).values()].map(
    (service) => ({
      resource: service[0].resource,
      scopeSpans: [...groupBy(service, ({ scope }) => scope.name).values()].map((scoped) => ({
        scope: scoped[0].scope,
        spans: scoped.map(({ span }) => span),
      })),
    }),
  );
  return { resourceSpans };
}

/**
 * One ExportTraceServiceRequest a trace. Traces that no session of ours began are left out, and those of attempts that
 * were driven again: `served` holds the trace ids of the access log.
 */
export function tracesOf(requests, served, shifts, shifted) {
  const traces = groupBy(spansOf(requests), ({ span }) => span.traceId);
  const moved = [];
  for (const [traceId, rows] of traces) {
    const session = rows.map(({ span }) => attribute(span, 'session.id')).find((id) => shifts.has(id));
    if (!session || !served.has(traceId)) continue;
    rows.sort(byStart);
    moved.push({ traceId, rows: shifted(rows, shifts.get(session)) });
  }
  moved.sort((a, b) =>
    startOf(a.rows) < startOf(b.rows) ? -1 : startOf(a.rows) > startOf(b.rows) ? 1 : a.traceId < b.traceId ? -1 : 1,
  );
  return moved.map(({ rows }) => requestOf(rows));
}
