import type { Database } from './database';

export type Line = { id: number; qty: number; category: string; price: number };

const cents = (amount: number) => Math.round(amount * 100) / 100;

export function promotions(db: Database, lines: Line[]) {
  let amount = 0;
  let code = 'NONE';
  for (const line of lines) {
    const [rule] = db.select('select pct, code from promo_rule where category = ?', [line.category]);
    amount += Number(rule.pct) * line.price * line.qty;
    if (Number(rule.pct) > 0) code = String(rule.code);
  }
  return { code, amount: cents(amount) };
}
