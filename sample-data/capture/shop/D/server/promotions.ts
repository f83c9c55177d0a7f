import type { CartItem, Discount } from '../src/shared/types';
import { callPricing } from './pricingClient';

const NO_DISCOUNT: Discount = { code: 'NONE', amount: 0 };

/** Promotions v2: a hiccup of the pricing service costs the discount, never the field. */
export async function discountFor(items: CartItem[]): Promise<Discount> {
  try {
    return await callPricing<Discount>('/v2/promotions', items);
  } catch (error) {
    console.error('promotions unavailable:', (error as Error).message);
    return NO_DISCOUNT;
  }
}
