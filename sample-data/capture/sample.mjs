// The packed sample as anybody finds it: only files below sample-data, no run, no build.
import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { parseEnvelope } from './envelopes.mjs';
import { groupBy } from './group.mjs';
import { SAMPLE } from './settings.mjs';

export const bytesOf = (name) => fs.readFileSync(path.join(SAMPLE, name));
export const textOf = (name) =>
  (name.endsWith('.gz') ? zlib.gunzipSync(bytesOf(name)) : bytesOf(name)).toString('utf8');

const parsed = (text) =>
  text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
export const rows = (name) => parsed(textOf(`raw/${name}.ndjson.gz`));

/** Every file of the sample, the capture kit apart. */
export const files = fs
  .readdirSync(SAMPLE, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => path.relative(SAMPLE, path.join(entry.parentPath ?? entry.path, entry.name)))
  .filter((name) => !name.startsWith('capture'))
  .sort();

export const truth = groupBy(parsed(textOf('truth.ndjson')), ({ kind }) => kind);
export const sessions = new Map(truth.get('session').map((session) => [session.session_id, session]));
export const labels = new Map(truth.get('event').map((label) => [label.event_id, label]));
export const deploys = new Map(truth.get('deploy').map((deploy) => [deploy.letter, deploy]));

export const envelopes = rows('envelopes').map(({ received_at, envelope }) => ({
  received_at,
  ...parseEnvelope(envelope),
}));
export const items = envelopes.flatMap(({ items: found }) => found);
export const events = items.filter(({ header }) => header.type === 'event').map(({ payload }) => payload);

export const serverSpans = rows('traces.otlp').flatMap(({ resourceSpans }) =>
  resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)),
);
export const attributeOf = (span, key) => span.attributes.find((attribute) => attribute.key === key)?.value.stringValue;

/** Both forms: spans that were streamed, spans inside a transaction. */
export const browserSpanIds = new Set(
  items.flatMap(({ header, payload }) => {
    if (header.type === 'span') return payload.items.map(({ span_id }) => span_id);
    if (header.type !== 'transaction') return [];
    return [payload.contexts.trace.span_id, ...payload.spans.map(({ span_id }) => span_id)];
  }),
);
