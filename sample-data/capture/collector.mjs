// Receives everything that browsers and servers send, as it comes; hosts the third-party widget on an origin of its own.
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { PORTS, RUN } from './settings.mjs';

const WIDGET_FAILS = Number(process.env.WIDGET_FAILS ?? 0.3);
const CORS = { 'access-control-allow-origin': '*', 'access-control-allow-headers': '*' };

fs.mkdirSync(RUN, { recursive: true });
const append = (name, line) => fs.appendFileSync(path.join(RUN, name), JSON.stringify(line) + '\n');

function envelopeLine(bytes, session) {
  const text = bytes.toString('utf8');
  const whole = Buffer.from(text, 'utf8').equals(bytes);
  const body = whole ? { envelope: text } : { envelope_b64: bytes.toString('base64') };
  return { received_at: Date.now(), session_id: session, ...body };
}

function store(url, bytes, headers) {
  const received = { received_at: Date.now(), user_agent_header: headers['user-agent'] };
  if (url.pathname === '/tunnel') append('envelopes.ndjson', envelopeLine(bytes, url.searchParams.get('session')));
  else if (url.pathname === '/vitals') append('beacons.ndjson', { ...received, ...JSON.parse(bytes) });
  else if (url.pathname === '/page-views') append('page_views.ndjson', { ...received, ...JSON.parse(bytes) });
  else if (url.pathname === '/replays') append('replays.ndjson', { ...received, ...JSON.parse(bytes) });
  else if (url.pathname === '/v1/traces') append('traces.ndjson', JSON.parse(bytes));
}

const collector = http.createServer(async (request, response) => {
  const chunks = [];
  try {
    for await (const chunk of request) chunks.push(chunk);
  } catch (error) {
    append('collector.errors.ndjson', { at: Date.now(), url: request.url, error: error.message });
    return;
  }
  if (request.method === 'POST')
    store(new URL(request.url, 'http://collector'), Buffer.concat(chunks), request.headers);
  response.writeHead(200, { 'content-type': 'application/json', ...CORS }).end('{}');
});

/** A chat widget from somebody else: no CORS headers, so its errors reach the page muted. */
const widget = http.createServer((request, response) => {
  const script = `(function () {
  var channel = new MessageChannel();
  channel.port1.onmessage = function () {
    if (Math.random() < ${WIDGET_FAILS}) window.__chat.queue.push('hello');
  };
  setTimeout(function () { channel.port2.postMessage(0); }, 600);
})();`;
  response.writeHead(200, { 'content-type': 'text/javascript', 'cache-control': 'max-age=600' }).end(script);
});

collector.listen(PORTS.collector, '127.0.0.1');
widget.listen(PORTS.widget, '127.0.0.1');
