// Builds every release: browser bundles with debug IDs and maps, the two servers, and the slim maps that the sample ships.
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { build } from 'esbuild';
import { eachRelease } from './history.mjs';
import { SAMPLE, WORK } from './settings.mjs';
import { RELEASES, WITHOUT_MAPS } from './story.mjs';

const MINUTES = 60_000;
const sha256 = (bytes) => crypto.createHash('sha256').update(bytes).digest('hex');

/** A UUID (version 4 by its marks) made from what the bundle holds. */
function debugIdOf(code) {
  const hash = sha256(code);
  return [
    hash.slice(0, 8),
    hash.slice(8, 12),
    `4${hash.slice(13, 16)}`,
    `a${hash.slice(17, 20)}`,
    hash.slice(20, 32),
  ].join('-');
}

/** One line before the bundle: it files the debug ID under the stack that an error thrown right here has. */
const registration = (debugId) =>
  '!function(){try{var s=(new Error).stack,r=globalThis._sentryDebugIds=globalThis._sentryDebugIds||{};' +
  `s&&(r[s]="${debugId}")}catch(e){}}();\n`;

/** `../../shop/src/x.ts` becomes `src/x.ts`, a package's file `node_modules/...`. */
function nameSource(source) {
  const inPackage = source.lastIndexOf('node_modules/');
  return inPackage >= 0 ? source.slice(inPackage) : source.replace(/^.*?(?=src\/)/, '');
}

function injectDebugId(bundle) {
  const code = fs.readFileSync(bundle, 'utf8');
  const debugId = debugIdOf(code);
  fs.writeFileSync(bundle, `${registration(debugId)}${code.trimEnd()}\n//# debugId=${debugId}\n`);
  const map = JSON.parse(fs.readFileSync(`${bundle}.map`, 'utf8'));
  map.file = path.basename(bundle);
  map.sources = map.sources.map(nameSource);
  map.mappings = `;${map.mappings}`;
  map.debugId = debugId;
  map.debug_id = debugId;
  fs.writeFileSync(`${bundle}.map`, JSON.stringify(map));
  return debugId;
}

function compress(folder) {
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    const file = path.join(folder, entry.name);
    if (entry.isFile() && /\.(js|css)$/.test(entry.name))
      fs.writeFileSync(`${file}.gz`, zlib.gzipSync(fs.readFileSync(file)));
  }
}

async function buildBrowser(source, dist, define) {
  const outdir = path.join(dist, 'assets');
  const { metafile } = await build({
    absWorkingDir: source,
    entryPoints: ['shop', 'account', 'refund'].map((name) => `src/entries/${name}.tsx`),
    bundle: true,
    minify: true,
    splitting: true,
    format: 'esm',
    sourcemap: 'external',
    sourcesContent: true,
    jsx: 'automatic',
    outdir,
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    metafile: true,
    define,
    target: 'es2022',
    legalComments: 'none',
  });
  const manifest = {};
  for (const [file, output] of Object.entries(metafile.outputs)) {
    if (output.entryPoint?.startsWith('src/entries/'))
      manifest[path.basename(output.entryPoint, '.tsx')] = path.basename(file);
  }
  const bundles = fs.readdirSync(outdir).filter((name) => name.endsWith('.js'));
  const debugIds = Object.fromEntries(bundles.map((name) => [name, injectDebugId(path.join(outdir, name))]));
  fs.copyFileSync(path.join(source, 'style.css'), path.join(dist, 'style.css'));
  fs.writeFileSync(path.join(dist, 'manifest.json'), JSON.stringify(manifest));
  [dist, outdir].forEach(compress);
  return debugIds;
}

async function buildServers(source, dist, define) {
  for (const [name, entry] of [
    ['shop', 'server/main.ts'],
    ['pricing', 'pricing/main.ts'],
  ]) {
    await build({
      absWorkingDir: source,
      entryPoints: [entry],
      bundle: true,
      platform: 'node',
      format: 'cjs',
      outfile: path.join(dist, `${name}.cjs`),
      external: ['@opentelemetry/*', 'sql.js'],
      jsx: 'automatic',
      define,
      target: 'node20',
    });
  }
}

/** The map as the sample ships it: mappings whole, source text only where it is the shop's own. */
function slim(map) {
  const own = (index) => !map.sources[index].startsWith('node_modules/');
  return { ...map, sourcesContent: map.sourcesContent.map((text, index) => (own(index) ? text : null)) };
}

function publish({ letter, deployed }, sha, dist, debugIds) {
  const folder = path.join(SAMPLE, 'releases', sha);
  fs.mkdirSync(path.join(folder, 'assets'), { recursive: true });
  const artifacts = Object.entries(debugIds)
    .sort()
    .map(([bundle, debugId], index) => {
      const map = JSON.parse(fs.readFileSync(path.join(dist, 'assets', `${bundle}.map`), 'utf8'));
      const text = JSON.stringify(slim(map));
      fs.writeFileSync(path.join(folder, 'assets', `${bundle}.map`), text);
      return {
        release: sha,
        dist: null,
        url: `~/assets/${bundle}`,
        debug_id: debugId,
        map: `assets/${bundle}.map`,
        uploaded_at: new Date(deployed - 6 * MINUTES + index * 1000).toISOString(),
        sha256: sha256(text),
        bytes: Buffer.byteLength(text),
      };
    });
  fs.writeFileSync(path.join(folder, 'artifacts.json'), JSON.stringify(artifacts, null, 1) + '\n');
  console.log(letter, sha, artifacts.map((artifact) => `${artifact.url} ${artifact.bytes}`).join(', '));
}

fs.rmSync(path.join(SAMPLE, 'releases'), { recursive: true, force: true });
const built = {};
await eachRelease(async (letter, sha, source) => {
  const dist = path.join(WORK, 'dist', letter);
  fs.rmSync(dist, { recursive: true, force: true });
  const define = { __RELEASE__: JSON.stringify(sha), 'process.env.NODE_ENV': '"production"' };
  const debugIds = await buildBrowser(source, dist, define);
  await buildServers(source, dist, define);
  built[letter] = { sha, debugIds };
  const release = RELEASES.find((candidate) => candidate.letter === letter);
  if (!WITHOUT_MAPS.includes(letter)) publish(release, sha, dist, debugIds);
});
fs.writeFileSync(path.join(WORK, 'builds.json'), JSON.stringify(built, null, 1) + '\n');
