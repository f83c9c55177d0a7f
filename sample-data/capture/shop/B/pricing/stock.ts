import type { Database } from './database';

/** A move that a correction of the same day takes back does not count. */
export function stockOf(db: Database, productId: number) {
  const [row] = db.select(
    'select sum(move.delta) as onHand from stock_move move where move.product_id = ? and not exists ' +
      '(select 1 from stock_move fix where abs(fix.day - move.day) < 1 and fix.delta + 100 = move.delta ' +
      'and fix.product_id = move.product_id)',
    [productId],
  );
  return { onHand: row.onHand };
}
