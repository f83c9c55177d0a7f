import { useEffect, useState } from 'react';
import { getOrder } from '../shared/api';
import { money } from '../shared/money';
import type { Cart } from '../shared/types';

function describe(order: Cart): string[] {
  const lines = order.items.map((item) => `${item.qty} × ${item.product.name}`);
  const saved = order.totals.discount?.amount ?? 0;
  return saved > 0 ? [...lines, `You saved ${money(saved)}`] : lines;
}

export function OrderSummary({ id }: { id: string }) {
  const [lines, setLines] = useState<string[]>([]);
  const [total, setTotal] = useState<number | null>(null);
  useEffect(() => {
    async function load() {
      const order = await getOrder(id);
      setLines(describe(order));
      setTotal(order.totals.total);
    }
    void load();
  }, [id]);
  return (
    <section id="order">
      <h1>Order {id}</h1>
      <ul>
        {lines.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
      {total === null ? <p>Loading order…</p> : <p id="order-total">{money(total)}</p>}
    </section>
  );
}
