import type { Cart, CartItem, Product } from '../src/shared/types';
import { callPricing } from './pricingClient';
import { discountFor } from './promotions';

const carts = new Map<string, CartItem[]>();
const orders = new Map<string, CartItem[]>();
let catalogue: Product[] = [];

export async function products(): Promise<Product[]> {
  if (catalogue.length === 0) catalogue = await callPricing<Product[]>('/products');
  return catalogue;
}

async function priced(id: string, items: CartItem[]): Promise<Cart> {
  const subtotal = items.reduce((sum, item) => sum + item.qty * item.product.price, 0);
  const shipping = subtotal > 50 ? 0 : 4.95;
  const discount = await discountFor(items);
  const total = subtotal + shipping - (discount?.amount ?? 0);
  return { id, items, totals: { subtotal, shipping, discount, total } };
}

export const cartOf = (session: string) => priced(session.slice(0, 8), carts.get(session) ?? []);

export async function addToCart(session: string, productId: number): Promise<Cart> {
  const items = carts.get(session) ?? [];
  const known = items.find((item) => item.product.id === productId);
  if (known) known.qty += 1;
  else items.push({ product: (await products()).find((product) => product.id === productId)!, qty: 1 });
  carts.set(session, items);
  return cartOf(session);
}

export function placeOrder(session: string): string {
  const id = String(2001 + orders.size);
  orders.set(id, carts.get(session) ?? []);
  return id;
}

/** Orders below 2000 are history: even ones hold an outlet item, odd ones do not. */
export async function orderOf(id: string): Promise<Cart> {
  const number = Number(id);
  const category = number % 2 === 0 ? 'outlet' : 'tea';
  const matching = (await products()).filter((product) => product.category === category);
  const past = [{ product: matching[number % matching.length], qty: 1 }];
  return priced(id, orders.get(id) ?? past);
}
