import { addBreadcrumb } from '@sentry/react';
import { useEffect } from 'react';
import type { Product } from '../shared/types';
import { route } from '../telemetry/identity';

const PRAISE = ['Pours well.', 'Arrived in two days.', 'Bought a second one.'];

export function Reviews({ product }: { product: Product }) {
  useEffect(() => {
    addBreadcrumb({ category: 'shop.reviews', message: `opened the reviews of ${product.name}`, data: { route } });
  }, [product.id]);
  return (
    <section id="reviews">
      <h2>Reviews of {product.name}</h2>
      <ul>
        {PRAISE.map((text) => (
          <li key={text}>{text}</li>
        ))}
      </ul>
    </section>
  );
}
