// Sentry envelopes: a header line, then pairs of item header and payload. Read apart and put together again.

/** @returns {{header: object, items: {header: object, payload: object}[]}} */
export function parseEnvelope(text) {
  const lines = text.split('\n').filter((line) => line !== '');
  const [header, ...rest] = lines.map((line) => JSON.parse(line));
  const items = [];
  for (let index = 0; index < rest.length; index += 2) items.push({ header: rest[index], payload: rest[index + 1] });
  return { header, items };
}

export function formatEnvelope({ header, items }) {
  const lines = [JSON.stringify(header)];
  for (const item of items) {
    const payload = JSON.stringify(item.payload);
    const sized =
      item.header.length === undefined ? item.header : { ...item.header, length: Buffer.byteLength(payload) };
    lines.push(JSON.stringify(sized), payload);
  }
  return lines.join('\n');
}

/** Every error event of a run's envelopes, with the session that sent it. */
export function* errorEvents(envelopes) {
  for (const { session_id, envelope } of envelopes) {
    for (const { header, payload } of parseEnvelope(envelope).items) {
      if (header.type === 'event') yield { session_id, event: payload };
    }
  }
}

/** The exception that was thrown last and its frames, the throwing one first. */
export function thrown(event) {
  const exception = event.exception.values.at(-1);
  return { ...exception, frames: [...(exception.stacktrace?.frames ?? [])].reverse() };
}
