import type { Cart, Product, Stock } from './types';

async function json<T>(url: string, init?: RequestInit): Promise<T> {
  const response = await fetch(url, { headers: { 'content-type': 'application/json' }, ...init });
  if (!response.ok) throw new Error(`HTTP ${response.status} for ${url}`);
  return (await response.json()) as T;
}

const post = <T>(url: string, body: unknown) => json<T>(url, { method: 'POST', body: JSON.stringify(body) });

export const getCart = () => json<Cart>('/api/cart');
export const addToCart = (id: number) => post<Cart>('/api/cart', { id });
export const search = (text: string, signal: AbortSignal) =>
  json<Product[]>('/api/search?q=' + encodeURIComponent(text), { signal });
export const getStock = (id: number) => json<Stock>('/api/stock/' + id);
export const pay = (body: unknown) => post<{ orderId: string }>('/api/pay', body);
export const getOrder = (id: string) => json<Cart>('/api/orders/' + id);
export const login = (body: unknown) => post<{ ok: boolean }>('/api/login', body);
export const requestRefund = (body: unknown) => post<{ ticket: string }>('/api/refund', body);
export const contactSupport = (pageUrl: string) => post<{ ok: boolean }>('/support', { pageUrl });
