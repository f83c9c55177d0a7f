import type { Database } from './database';

export type Line = { id: number; qty: number; category: string; price: number };

const cents = (amount: number) => Math.round(amount * 100) / 100;

/** Outlet lines take their percentage from the campaign's column, which migration 0042 adds. */
const columnFor = (line: Line) => (line.category === 'outlet' ? 'promo_pct' : 'pct');

export function promotions(db: Database, lines: Line[]) {
  let amount = 0;
  let code = 'NONE';
  for (const line of lines) {
    const sql = `select ${columnFor(line)} as pct, code from promo_rule where category = ?`;
    const [rule] = db.select(sql, [line.category]);
    amount += Number(rule.pct) * line.price * line.qty;
    if (Number(rule.pct) > 0) code = String(rule.code);
  }
  return { code, amount: cents(amount) };
}
