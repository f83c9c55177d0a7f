import type { CartItem, Discount } from '../src/shared/types';
import { callPricing } from './pricingClient';

export function discountFor(items: CartItem[]): Promise<Discount> {
  return callPricing<Discount>('/v1/promotions', items);
}
