// Builds one small site as teams do: <folder>/{esbuild,banner,inline,next,rollup,webpack,terser}/assets, maps beside.
import fs from 'node:fs';
import path from 'node:path';

const out = process.argv[2];
const source = path.join(out, 'source');
const { build } = await import('esbuild');
const { minify } = await import('terser');
const { rollup } = await import('rollup');
const { default: webpack } = await import('webpack');

const MONEY = `export const money = (amount, { currency = 'EUR' } = {}) =>
  new Intl.NumberFormat('de', { style: 'currency', currency }).format(amount / 100);
export class Cart {
  #items = [];
  add(item) { this.#items.push(item); return this; }
  get total() { return this.#items.reduce((sum, item) => sum + item.price.amount * (item.count ?? 1), 0); }
}
`;
const FILES = {
  'money.js': MONEY,
  'main.js': `/*! (c) Acme Shop */
import './shop.css';
import { Cart, money } from './money.js';
const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
export function describe(cart) { return 'Total: ' + money(cart.totals.discount.amount); }
export async function loadLazy() { const module = await import('./lazy.js'); return module.default(); }
globalThis.shop = { describe, loadLazy, cart: new Cart().add({ price: { amount: 5 } }), worker };
`,
  'lazy.js': `import { money } from './money.js';\nexport default () => money(1) + (() => { throw new Error('lazy') })();\n`,
  'worker.js': `import { money } from './money.js';\nself.onmessage = (event) => self.postMessage(money(event.data.amount));\n`,
  'types.js': 'export {};\n',
  'again.js': `export { money } from './money.js';\n`,
  'shop.css': '.cart { color: red; }\n.cart .total { font-weight: bold; }\n',
};
fs.mkdirSync(source, { recursive: true });
for (const [name, text] of Object.entries(FILES)) fs.writeFileSync(path.join(source, name), text);
const at = (name) => path.join(source, name);
const assets = (kind) => path.join(out, kind, 'assets');

const entryPoints = ['main', 'worker', 'types', 'again'].map((name) => at(`${name}.js`));
const options = { bundle: true, format: 'esm', splitting: true, minify: true, entryPoints, logLevel: 'error' };
const banner = { js: '/*! the bundler knows of this banner */' };
await build({ ...options, sourcemap: true, outdir: assets('esbuild') });
await build({ ...options, sourcemap: 'external', outdir: assets('banner'), banner });
await build({ ...options, sourcemap: 'inline', outdir: assets('inline') });

const styles = {
  name: 'styles',
  transform: (code, id) => (id.endsWith('.css') ? { code: `export default ${JSON.stringify(code)}`, map: null } : null),
};
const input = { main: at('main.js'), types: at('types.js'), again: at('again.js') };
const bundle = await rollup({ input, plugins: [styles], logLevel: 'silent' });
const names = { entryFileNames: '[name]-[hash].js', chunkFileNames: '[name]-[hash].js' };
await bundle.write({ dir: assets('rollup'), format: 'es', sourcemap: true, banner: '/*! Acme */', ...names });

const packed = {
  mode: 'production', devtool: 'hidden-source-map', entry: { main: at('main.js'), types: at('types.js') },
  output: { path: assets('webpack'), filename: '[name].[contenthash].js' }, optimization: { runtimeChunk: 'single' },
  module: { rules: [{ test: /\.css$/, type: 'asset/source' }] },
};
const stats = await new Promise((done, fail) => webpack(packed, (error, result) => (error ? fail(error) : done(result))));
if (stats.hasErrors()) throw new Error(stats.toString());

fs.mkdirSync(assets('terser'), { recursive: true });
for (const name of fs.readdirSync(assets('esbuild')).filter((name) => name.endsWith('.js'))) {
  const [code, content] = ['', '.map'].map((ending) => fs.readFileSync(path.join(assets('esbuild'), name + ending), 'utf8'));
  const small = await minify(code, { module: true, sourceMap: { content } });
  fs.writeFileSync(path.join(assets('terser'), name), small.code);
  fs.writeFileSync(path.join(assets('terser'), `${name}.map`), small.map);
}

fs.writeFileSync(at('money.js'), MONEY.replace('add(item) {', 'add(item, extra) { if (extra) this.#items.push(extra);'));
await build({ ...options, sourcemap: true, outdir: assets('next') });
