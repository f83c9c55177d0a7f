import http from 'node:http';
import { trace } from '@opentelemetry/api';
import { products, searchProducts, seed } from './catalogue';
import { openDatabase, type Database } from './database';
import { promotions } from './promotions';
import { stockOf } from './stock';

type Handler = (db: Database, url: URL, body: string) => unknown;

const ROUTES: Record<string, Handler> = {
  'GET /products': (db) => products(db),
  'GET /search': (db, url) => searchProducts(db, url.searchParams.get('q') ?? ''),
  'GET /stock': (db, url) => stockOf(db, Number(url.searchParams.get('id'))),
  'POST /v2/promotions': (db, _url, body) => promotions(db, JSON.parse(body)),
};

async function text(request: http.IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request) body += chunk;
  return body;
}

async function main(): Promise<void> {
  const db = await openDatabase();
  seed(db);
  const server = http.createServer(async (request, response) => {
    const url = new URL(request.url!, 'http://pricing-service');
    const endpoint = `${request.method} ${url.pathname}`;
    const answer = (status: number, body: unknown) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    };
    const body = await text(request);
    trace.getActiveSpan()?.setAttribute('http.route', url.pathname).updateName(endpoint);
    const handler = ROUTES[endpoint];
    if (!handler) return answer(404, { error: 'no such endpoint' });
    try {
      answer(200, handler(db, url, body));
    } catch (error) {
      answer(500, { error: (error as Error).message });
    }
  });
  server.listen(Number(process.env.PRICING_PORT), '127.0.0.1');
}

void main();
