import type { Database } from './database';

const NAMES = [
  ['tea', 'Assam'],
  ['tea', 'Sencha'],
  ['tea', 'Oolong'],
  ['tea', 'Darjeeling'],
  ['kettle', 'Copper Kettle'],
  ['kettle', 'Glass Kettle'],
  ['kettle', 'Travel Kettle'],
  ['kettle', 'Moka Pot'],
  ['outlet', 'Outlet Teapot'],
  ['outlet', 'Outlet Kettle'],
  ['outlet', 'Outlet Tray'],
  ['outlet', 'Outlet Mug'],
  ['cups', 'Cup Set'],
  ['cups', 'Saucer'],
  ['cups', 'Latte Bowl'],
  ['cups', 'Espresso Cup'],
];

export function seed(db: Database): void {
  db.run('create table product(id integer primary key, name text, price real, category text, blurb text)');
  NAMES.forEach(([category, name], index) => {
    const blurb = `${name}: small batch, hand packed, ships in two days.`;
    db.run('insert into product values(?, ?, ?, ?, ?)', [index + 1, name, 6 + index * 3.5, category, blurb]);
  });
  db.run('create table promo_rule(category text, pct real, code text)');
  db.run("insert into promo_rule values('tea', 0, 'NONE'), ('kettle', 0, 'NONE'), ('cups', 0, 'NONE')");
  db.run("insert into promo_rule values('outlet', 0.1, 'OUTLET10')");
  db.run('create table stock_move(product_id integer, delta integer, day integer)');
  db.run(
    'with recursive n(i) as (select 1 union all select i + 1 from n where i < 4800) ' +
      'insert into stock_move select i % 16 + 1, i % 7 - 2, i % 365 from n',
  );
}

export const products = (db: Database) => db.select('select * from product order by id');

export const searchProducts = (db: Database, text: string) =>
  db.select(
    'select p.*, (select count(*) from stock_move m where m.product_id = p.id and m.delta < 0) as sold ' +
      "from product p where lower(p.name || ' ' || p.category) like '%' || ? || '%' order by sold desc, p.id",
    [text.toLowerCase()],
  );
