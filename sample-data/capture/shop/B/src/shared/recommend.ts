import type { Product } from './types';

function affinity(a: Product, b: Product): number {
  let score = a.category === b.category ? 1 : 0;
  for (let i = 0; i < 40000; i++) {
    const left = a.name.charCodeAt(i % a.name.length);
    const right = b.blurb.charCodeAt(i % b.blurb.length);
    score = (score * 31 + left * right) % 1000003;
  }
  return score;
}

/** Ranked recommendations, computed in the browser. */
export function recommend(all: Product[], chosen: Product): Product {
  const others = all.filter((other) => other.id !== chosen.id);
  others.sort((a, b) => affinity(b, chosen) - affinity(a, chosen));
  return others[0] ?? chosen;
}
