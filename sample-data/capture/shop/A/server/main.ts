import { trace } from '@opentelemetry/api';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { accessLog, supportLog } from './logs';
import { addToCart, cartOf, orderOf, placeOrder } from './carts';
import { image } from './images';
import { renderPage, type Visitor } from './page';
import { callPricing } from './pricingClient';

const dist = process.env.DIST!;
const PAGES = ['/', '/product/:id', '/cart', '/checkout', '/order/:id', '/login', '/account', '/refund'];

type Call = { id: string; query: URLSearchParams; body: any; visitor: Visitor };
const API: Record<string, (call: Call) => unknown> = {
  'GET /api/cart': ({ visitor }) => cartOf(visitor.session),
  'POST /api/cart': ({ visitor, body }) => addToCart(visitor.session, body.id),
  'GET /api/search': ({ query }) => callPricing('/search?q=' + encodeURIComponent(query.get('q') ?? '')),
  'GET /api/stock/:id': ({ id }) => callPricing('/stock?id=' + Number(id)),
  'GET /api/orders/:id': ({ id }) => orderOf(id),
  'POST /api/pay': ({ visitor }) => ({ orderId: placeOrder(visitor.session) }),
  'POST /api/login': () => ({ ok: true }),
  'POST /api/refund': ({ body }) => ({ ticket: `R-${String(body.order).slice(0, 6)}` }),
  'POST /support': ({ visitor, body }) => supportLog(visitor.session, body.pageUrl),
};

const routeOf = (pathname: string) => pathname.replace(/\/\d+$/, '/:id');

function visitorOf(request: http.IncomingMessage): Visitor {
  const cookie = (name: string) => new RegExp(`(?:^|; )${name}=(\\w+)`).exec(request.headers.cookie ?? '')?.[1];
  const region = String(request.headers['x-geo-region'] ?? 'unknown');
  return { session: cookie('sid') ?? 'none', user: cookie('uid') ?? '', region };
}

function sendAsset(pathname: string, response: http.ServerResponse): void {
  const file = path.join(dist, path.normalize(pathname) + '.gz');
  if (!fs.existsSync(file)) return void response.writeHead(404).end();
  const type = pathname.endsWith('.css') ? 'text/css' : 'text/javascript';
  response.writeHead(200, { 'content-type': type, 'content-encoding': 'gzip', 'cache-control': 'max-age=31536000' });
  response.end(fs.readFileSync(file));
}

async function bodyOf(request: http.IncomingMessage): Promise<unknown> {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text ? JSON.parse(text) : {};
}

async function answer(request: http.IncomingMessage, response: http.ServerResponse, visitor: Visitor) {
  const url = new URL(request.url!, 'http://shop.localhost');
  const route = routeOf(url.pathname);
  const id = url.pathname.split('/').pop()!;
  trace.getActiveSpan()?.setAttribute('http.route', route).updateName(`${request.method} ${route}`);
  const api = API[`${request.method} ${route}`];
  if (api) {
    const result = await api({ id, query: url.searchParams, body: await bodyOf(request), visitor });
    response.writeHead(200, { 'content-type': 'application/json' });
    return response.end(JSON.stringify(result));
  }
  if (!PAGES.includes(route)) return response.writeHead(404).end();
  const html = await renderPage(route, id, visitor);
  const headers: http.OutgoingHttpHeaders = { 'content-type': 'text/html', 'cache-control': 'no-store' };
  if (visitor.session === 'none') headers['set-cookie'] = `sid=${crypto.randomUUID().replaceAll('-', '')};path=/`;
  response.writeHead(200, headers);
  response.end(html);
}

const server = http.createServer(async (request, response) => {
  const pathname = request.url!.split('?')[0];
  if (pathname === '/healthz') return response.end('ok');
  const visitor = visitorOf(request);
  const span = trace.getActiveSpan();
  span?.setAttribute('session.id', visitor.session);
  accessLog(request, response, visitor.session, span?.spanContext().traceId ?? null);
  if (pathname.startsWith('/assets/') || pathname === '/style.css') return sendAsset(pathname, response);
  if (pathname.startsWith('/img/')) {
    response.writeHead(200, { 'content-type': 'image/svg+xml', 'cache-control': 'max-age=3600' });
    return response.end(image(path.basename(pathname)));
  }
  try {
    await answer(request, response, visitor);
  } catch (error) {
    console.error((error as Error).message);
    if (!response.headersSent) response.writeHead(500).end();
  }
});
server.listen(Number(process.env.PORT_BASE), '127.0.0.1');
