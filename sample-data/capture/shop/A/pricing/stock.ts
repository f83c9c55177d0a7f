import type { Database } from './database';

export function stockOf(db: Database, productId: number) {
  const [row] = db.select('select sum(delta) as onHand from stock_move where product_id = ?', [productId]);
  return { onHand: row.onHand };
}
