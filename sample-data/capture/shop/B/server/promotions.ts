import type { CartItem, Discount } from '../src/shared/types';
import { callPricing } from './pricingClient';

/** Promotions v2: a hiccup of the pricing service must not fail the cart. */
export async function discountFor(items: CartItem[]): Promise<Discount> {
  try {
    return await callPricing<Discount>('/v2/promotions', items);
  } catch (error) {
    console.warn('promotions unavailable:', (error as Error).message);
    return undefined!;
  }
}
