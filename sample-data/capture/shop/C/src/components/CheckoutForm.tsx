import { useEffect, useState, type FormEvent } from 'react';
import { getCart, pay } from '../shared/api';
import type { Cart } from '../shared/types';

const cents = (amount: number) => Math.round(amount * 100);

function toPaymentRequest(cart: Cart, form: FormData) {
  return {
    cart: cart.id,
    amount: cents(cart.totals.total),
    rebate: cents(cart.totals.discount?.amount ?? 0),
    name: form.get('name'),
  };
}

export function CheckoutForm() {
  const [cart, setCart] = useState<Cart | null>(null);
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    void getCart().then(setCart);
  }, []);

  function onSubmit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    setBusy(true);
    const body = toPaymentRequest(cart!, new FormData(event.currentTarget));
    void pay(body).then((paid) => {
      location.href = '/order/' + paid.orderId;
    });
  }

  return (
    <form id="checkout" onSubmit={onSubmit}>
      <h1>Checkout</h1>
      <label>
        Name <input name="name" autoComplete="off" />
      </label>
      <label>
        Email <input name="email" type="email" autoComplete="off" />
      </label>
      <label>
        Card <input name="card" inputMode="numeric" autoComplete="off" />
      </label>
      <button id="pay" disabled={!cart || busy}>
        {busy ? 'Paying…' : 'Pay now'}
      </button>
    </form>
  );
}
