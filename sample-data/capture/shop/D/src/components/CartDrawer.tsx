import { useEffect, useState } from 'react';
import { getCart } from '../shared/api';
import { money } from '../shared/money';
import type { Cart } from '../shared/types';

function CartTotals({ cart }: { cart: Cart }) {
  const { totals } = cart;
  return (
    <dl id="totals">
      <dt>Subtotal</dt>
      <dd>{money(totals.subtotal)}</dd>
      <dt>Discount</dt>
      <dd>−{money(totals.discount?.amount ?? 0)}</dd>
      <dt>Total</dt>
      <dd>{money(totals.total)}</dd>
    </dl>
  );
}

export function CartDrawer() {
  const [cart, setCart] = useState<Cart | null>(null);
  useEffect(() => {
    void getCart().then(setCart);
  }, []);
  if (!cart) return <p>Loading cart…</p>;
  return (
    <section id="cart">
      <h1>Your cart</h1>
      <ul>
        {cart.items.map((item) => (
          <li key={item.product.id}>
            {item.qty} × {item.product.name}
          </li>
        ))}
      </ul>
      <CartTotals cart={cart} />
      <a id="go-checkout" href="/checkout">
        Checkout
      </a>
    </section>
  );
}
