import { useEffect, useState, type ComponentType } from 'react';
import { addToCart, getStock } from '../shared/api';
import { money } from '../shared/money';
import { recommend } from '../shared/recommend';
import type { Product, Stock } from '../shared/types';
import { FitTitle } from './FitTitle';

function Availability({ id }: { id: number }) {
  const [stock, setStock] = useState<Stock | null>(null);
  useEffect(() => {
    void getStock(id).then(setStock);
  }, [id]);
  return <p id="stock">{stock ? `${stock.onHand} in stock` : 'Checking stock'}</p>;
}

function ReviewsSection({ product }: { product: Product }) {
  const [Reviews, setReviews] = useState<ComponentType<{ product: Product }> | null>(null);
  async function onOpen() {
    const loaded = await import('./Reviews');
    setReviews(() => loaded.Reviews);
  }
  return Reviews ? (
    <Reviews product={product} />
  ) : (
    <button id="open-reviews" onClick={onOpen}>
      Read reviews
    </button>
  );
}

export function ProductPage({ product, all }: { product: Product; all: Product[] }) {
  const [note, setNote] = useState('');
  async function onAdd() {
    const next = recommend(all, product);
    setNote(`Added. You may like ${next.name}.`);
    await addToCart(product.id);
  }
  return (
    <article>
      <FitTitle text={product.name} />
      <img className="shot" src={`/img/shot-${product.id}.svg`} width={640} height={420} alt="" />
      <p>{product.blurb}</p>
      <b>{money(product.price)}</b>
      <Availability id={product.id} />
      <button className="add" data-category={product.category} onClick={onAdd}>
        Add to cart
      </button>
      <p id="note">{note}</p>
      <ReviewsSection product={product} />
    </article>
  );
}
