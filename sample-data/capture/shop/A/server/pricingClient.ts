import http from 'node:http';
import type { CartItem } from '../src/shared/types';

const toLine = ({ product, qty }: CartItem) => ({
  id: product.id,
  qty,
  category: product.category,
  price: product.price,
});

/** Ask the pricing service; with items it is a POST of cart lines, otherwise a GET. */
export function callPricing<T>(path: string, items?: CartItem[]): Promise<T> {
  const options = {
    host: '127.0.0.1',
    port: Number(process.env.PRICING_PORT),
    path,
    method: items ? 'POST' : 'GET',
    headers: { 'content-type': 'application/json', host: 'pricing-service' },
  };
  return new Promise((resolve, reject) => {
    const request = http.request(options, (response) => {
      let body = '';
      response.on('data', (chunk) => (body += chunk));
      response.on('end', () => {
        if (response.statusCode === 200) resolve(JSON.parse(body) as T);
        else reject(new Error(`pricing answered ${response.statusCode}: ${body}`));
      });
    });
    request.on('error', reject);
    request.end(items ? JSON.stringify(items.map(toLine)) : undefined);
  });
}
