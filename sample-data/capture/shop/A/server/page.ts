import { trace } from '@opentelemetry/api';
import fs from 'node:fs';
import path from 'node:path';
import { renderAccount, renderRefund, renderShop } from '../src/ssr';
import type { ShopState } from '../src/shared/types';
import { accountOf } from './accounts';
import { products } from './carts';
import { toPublicProfile } from './profile';

declare const __RELEASE__: string;

const manifest = JSON.parse(fs.readFileSync(path.join(process.env.DIST!, 'manifest.json'), 'utf8'));
const portBase = Number(process.env.PORT_BASE);

export type Visitor = { session: string; user: string; region: string };
type Page = { entry: 'shop' | 'account' | 'refund'; route: string; html: string; state: unknown };

function document({ entry, route, html, state }: Page, visitor: Visitor): string {
  const span = trace.getActiveSpan()?.spanContext();
  const baggage = `sentry-trace_id=${span?.traceId},sentry-sampled=true,sentry-release=${__RELEASE__},sentry-environment=production`;
  const metas: [string, string][] = [
    ['viewport', 'width=device-width,initial-scale=1'],
    ['route', route],
    ['geo-region', visitor.region],
    ['collector', `http://collect.localhost:${portBase + 30}`],
    ...(span
      ? ([
          ['sentry-trace', `${span.traceId}-${span.spanId}-1`],
          ['baggage', baggage],
        ] as [string, string][])
      : []),
  ];
  const head = metas.map(([name, content]) => `<meta name="${name}" content="${content}">`).join('');
  const data = JSON.stringify(state).replace(/</g, '\\u003c');
  return (
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Tea &amp; Kettle</title>${head}` +
    `<link rel="icon" href="data:,"><link rel="stylesheet" href="/style.css"></head>` +
    `<body><div id="root">${html}</div><script id="state" type="application/json">${data}</script>` +
    `<script type="module" src="/assets/${manifest[entry]}"></script>` +
    `<script async src="http://widgets.localhost:${portBase + 20}/chat.js"></script></body></html>`
  );
}

async function shopState(route: string, id: string): Promise<ShopState> {
  const all = await products();
  if (route === '/') return { page: 'home', products: all };
  if (route === '/product/:id')
    return { page: 'product', products: all, product: all.find((p) => p.id === Number(id)) };
  if (route === '/order/:id') return { page: 'order', products: [], orderId: id };
  return { page: route === '/cart' ? 'cart' : 'checkout', products: [] };
}

async function pageOf(route: string, id: string, visitor: Visitor): Promise<Page> {
  if (route === '/login') {
    const state = { page: 'login' as const };
    return { entry: 'account', route, html: renderAccount(state), state };
  }
  if (route === '/account') {
    const account = accountOf(visitor.user);
    const html = renderAccount({ page: 'account', profile: account });
    return { entry: 'account', route, html, state: { page: 'account', profile: toPublicProfile(account) } };
  }
  if (route === '/refund') return { entry: 'refund', route, html: renderRefund(), state: {} };
  const state = await shopState(route, id);
  return { entry: 'shop', route, html: renderShop(state), state };
}

export async function renderPage(route: string, id: string, visitor: Visitor): Promise<string> {
  return document(await pageOf(route, id, visitor), visitor);
}
