import { useRef, useState } from 'react';
import { addToCart, search } from '../shared/api';
import { money } from '../shared/money';
import { recommend } from '../shared/recommend';
import type { Product } from '../shared/types';

export function ProductList({ initial }: { initial: Product[] }) {
  const [products, setProducts] = useState(initial);
  const [note, setNote] = useState('');
  const [text, setText] = useState('');
  const pending = useRef<AbortController>(null);

  async function onType(typed: string) {
    setText(typed);
    pending.current?.abort();
    const request = new AbortController();
    pending.current = request;
    setProducts(await search(typed, request.signal));
  }

  async function onAdd(product: Product) {
    const next = recommend(initial, product);
    setNote(`${product.name} added. You may like ${next.name}.`);
    const cart = await addToCart(product.id);
    setNote(`${product.name} added, ${cart.items.length} line(s). You may like ${next.name}.`);
  }

  return (
    <section>
      <img className="hero" src="/img/hero.svg" width={960} height={320} alt="Tea leaves" />
      <input id="search" value={text} onChange={(e) => onType(e.target.value)} placeholder="Search" />
      <p id="note">{note}</p>
      <ul className="grid">
        {products.map((product) => (
          <li key={product.id}>
            <img src={`/img/${product.id}.svg`} width={220} height={160} alt={product.name} />
            <a className="product-link" href={`/product/${product.id}`}>
              {product.name}
            </a>{' '}
            <b>{money(product.price)}</b>
            <p>{product.blurb}</p>
            <button className="add" data-category={product.category} onClick={() => onAdd(product)}>
              Add to cart
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
