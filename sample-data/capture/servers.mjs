// Starts and stops what a run needs beside the browser: the collector, and a release's two services.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { KIT, PORTS, PORT_BASE, RUN, WORK } from './settings.mjs';

const SERVICES = { pricing: 'pricing-service', shop: 'shop-web' };
const running = new Set();
process.on('exit', () => running.forEach((server) => server.kill()));

export const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

export async function answers(url) {
  for (let attempt = 0; attempt < 900; attempt++) {
    const response = await fetch(url).catch(() => null);
    if (response) return;
    await sleep(100);
  }
  throw new Error(`nothing answers at ${url}`);
}

export function start(args, env) {
  const run = env.RUN ?? RUN;
  fs.mkdirSync(run, { recursive: true });
  const log = fs.openSync(path.join(run, 'servers.log'), 'a');
  const server = spawn('node', args, {
    cwd: KIT,
    env: { ...process.env, ...env, RUN: run },
    stdio: ['ignore', log, log],
  });
  running.add(server);
  server.on('exit', () => running.delete(server));
  return server;
}

async function stop(server) {
  const gone = new Promise((resolve) => server.on('exit', resolve));
  server.kill('SIGTERM');
  await gone;
}

/** Put a release into service; gives what takes it out again. */
export async function serve(letter, run = RUN) {
  const dist = path.join(WORK, 'dist', letter);
  const builds = JSON.parse(fs.readFileSync(path.join(WORK, 'builds.json'), 'utf8'));
  const env = {
    RUN: run,
    DIST: dist,
    PORT_BASE,
    PRICING_PORT: PORTS.pricing,
    SERVICE_VERSION: builds[letter].sha,
    OTEL_SEMCONV_STABILITY_OPT_IN: 'http',
    ACCESS_LOG: path.join(run, 'access.ndjson'),
    SUPPORT_LOG: path.join(run, 'support.ndjson'),
  };
  const servers = Object.entries(SERVICES).map(([name, service]) =>
    start(['-r', './otel.cjs', path.join(dist, `${name}.cjs`)], { ...env, SERVICE_NAME: service }),
  );
  await answers(`http://127.0.0.1:${PORTS.pricing}/products`);
  await answers(`http://127.0.0.1:${PORTS.shop}/`);
  return () => Promise.all(servers.map(stop));
}
