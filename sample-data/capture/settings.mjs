// Where things are and which ports they use. Everything that a run makes stays below WORK.
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const KIT = path.dirname(fileURLToPath(import.meta.url));
export const SAMPLE = path.dirname(KIT);
export const WORK = path.resolve(process.env.WORK ?? path.join(KIT, '.work'));
export const RUN = path.resolve(process.env.RUN ?? path.join(WORK, 'run'));
export const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';

export const PORT_BASE = Number(process.env.PORT_BASE ?? 8100);
export const PORTS = { shop: PORT_BASE, pricing: PORT_BASE + 10, widget: PORT_BASE + 20, collector: PORT_BASE + 30 };
export const SHOP = `http://shop.localhost:${PORTS.shop}`;

export const CHROMIUM_FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
