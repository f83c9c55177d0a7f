declare const __RELEASE__: string;

const cookie = (name: string) => new RegExp(`(?:^|; )${name}=(\\w+)`).exec(document.cookie)?.[1];
const meta = (name: string) => document.querySelector<HTMLMetaElement>(`meta[name="${name}"]`)?.content ?? null;

function deviceClass(): string {
  if (!matchMedia('(pointer: coarse)').matches) return 'desktop';
  return Math.min(screen.width, screen.height) < 600 ? 'mobile' : 'tablet';
}

/** Where telemetry goes; the server names it, so that a bundle does not depend on a port. */
export const collector = meta('collector')!;
export const release = __RELEASE__;
export const environment = 'production';
export const sessionId = cookie('sid')!;
export const userId = cookie('uid') ?? null;
export const pageViewId = crypto.randomUUID();
export const route = meta('route');
export const region = meta('geo-region');
export const device = deviceClass();
