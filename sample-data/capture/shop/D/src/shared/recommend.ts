import type { Product } from './types';

/** The first other product of the same category. */
export function recommend(all: Product[], chosen: Product): Product {
  return all.find((other) => other.category === chosen.category && other.id !== chosen.id) ?? chosen;
}
