// Bundles one small program with each bundler named, into <folder>/<bundler>/; the maps are the point.
import fs from 'node:fs';
import path from 'node:path';

const out = process.argv[2];
const source = path.join(out, 'source');
const packages = path.join(import.meta.dirname, 'node_modules');

const FILES = {
  'money.js': `export const money = (amount, { currency = 'EUR' } = {}) =>
  new Intl.NumberFormat('de', { style: 'currency', currency }).format(amount / 100);
export class Cart {
  #items = [];
  static of(...items) { const cart = new Cart(); items.forEach((item) => cart.add(item)); return cart; }
  add(item) { this.#items.push(item); return this; }
  get total() { return this.#items.reduce((sum, item) => sum + item.price.amount * (item.count ?? 1), 0); }
}
`,
  'main.js': `import { parse } from 'acorn';
import { Cart, money } from './money.js';

// Zeichen außerhalb: 🛒 naïve 名
const label = '🛒🛒 naïve'; export function describe(cart) { return \`\${label}: \${money(cart.totals.discount.amount)}\`; }
async function* pages(load) {
  for (let page = 0; ; page++) {
    const { items, next } = await load(page);
    yield* items;
    if (!next) return;
  }
}
export const program = (text) => parse(text, { ecmaVersion: 2024, sourceType: 'module' });
globalThis.shop = { describe, pages, program, cart: Cart.of({ price: { amount: 5 } }), lazy: () => import('./lazy.js') };
`,
  'lazy.js': `import { money } from './money.js';\nexport default () => money(1) + '名🛒' + (() => { throw new Error('lazy') })();\n`,
  'view.tsx': `import { money } from './money.js';
type Props<T> = { items: T[]; onAdd?: (item: T) => void };
const h = (...parts: unknown[]) => parts;
export const List = <T extends { name: string },>({ items, onAdd }: Props<T>) => (
  <ul title="🛒">{items.map((item) => <li key={item.name} onClick={() => onAdd?.(item)}>{money(item.name.length)}</li>)}</ul>
);
import './main.js';
`,
};

fs.mkdirSync(source, { recursive: true });
for (const [name, text] of Object.entries(FILES)) fs.writeFileSync(path.join(source, name), text);
const main = path.join(source, 'main.js');

const bundlers = {
  async esbuild(folder) {
    const { build } = await import('esbuild');
    const options = { bundle: true, format: 'esm', splitting: true, sourcemap: true, outdir: folder };
    Object.assign(options, { jsxFactory: 'h', nodePaths: [packages] });
    await build({ ...options, entryPoints: [path.join(source, 'view.tsx')], minify: true });
  },
  async terser(folder) {
    const { build } = await import('esbuild');
    const { minify } = await import('terser');
    const options = { bundle: true, format: 'iife', sourcemap: 'external', write: false, outdir: folder, nodePaths: [packages] };
    const built = await build({ ...options, entryPoints: [main] });
    const [map, code] = ['.map', '.js'].map((ending) => built.outputFiles.find((file) => file.path.endsWith(ending)).text);
    const small = await minify(code, { module: true, sourceMap: { content: map } });
    fs.writeFileSync(path.join(folder, 'main.js'), small.code);
    fs.writeFileSync(path.join(folder, 'main.js.map'), small.map);
  },
  async rollup(folder) {
    const { rollup } = await import('rollup');
    const acorn = path.join(packages, 'acorn/dist/acorn.mjs');
    const bundle = await rollup({ input: main, plugins: [{ name: 'acorn', resolveId: (id) => (id === 'acorn' ? acorn : null) }] });
    await bundle.write({ dir: folder, format: 'es', sourcemap: true, compact: true });
  },
  async webpack(folder) {
    const { default: webpack } = await import('webpack');
    const resolve = { modules: [packages] };
    const options = { mode: 'production', devtool: 'source-map', entry: main, output: { path: folder }, resolve };
    const stats = await new Promise((done, fail) => webpack(options, (error, result) => (error ? fail(error) : done(result))));
    if (stats.hasErrors()) throw new Error(stats.toString());
  },
};

for (const [name, bundle] of Object.entries(bundlers)) {
  const folder = path.join(out, name);
  fs.mkdirSync(folder, { recursive: true });
  await bundle(folder);
}
