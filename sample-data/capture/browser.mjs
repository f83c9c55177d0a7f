// One visitor's browser: device, region, cookies, throttling, and the debugger's unmuted view of what goes wrong.
import path from 'node:path';
import { chromium } from 'playwright-core';
import { CHROMIUM, CHROMIUM_FLAGS, KIT, SHOP, WORK } from './settings.mjs';

export const launch = () => chromium.launch({ executablePath: CHROMIUM, headless: true, args: CHROMIUM_FLAGS });

/** Extensions only load into a profile on the disk. */
function openWithExtension(session, settings) {
  const folder = path.join(KIT, 'ext');
  const flags = [
    '--enable-unsafe-extension-debugging',
    `--disable-extensions-except=${folder}`,
    `--load-extension=${folder}`,
  ];
  return chromium.launchPersistentContext(path.join(WORK, 'profiles', session.session_id), {
    ...settings,
    executablePath: CHROMIUM,
    headless: true,
    args: [...CHROMIUM_FLAGS, ...flags],
    ignoreDefaultArgs: ['--disable-extensions'],
  });
}

/** A page ready to be driven; the region travels as a header, as a content delivery network would send it. */
export async function openPage(browser, session, record) {
  const { device, extension, cpu } = session.profile;
  const extraHTTPHeaders = { 'x-geo-region': session.region };
  const settings = { ...device, locale: 'en-IE', timezoneId: 'UTC', extraHTTPHeaders };
  const context = extension ? await openWithExtension(session, settings) : await browser.newContext(settings);
  const cookies = [{ name: 'sid', value: session.session_id, url: SHOP }];
  if (session.user_id) cookies.push({ name: 'uid', value: session.user_id, url: SHOP });
  await context.addCookies(cookies);
  const page = context.pages()[0] ?? (await context.newPage());
  const debug = await context.newCDPSession(page);
  await watchErrors(debug, (seen) => record('browser_view.ndjson', { session_id: session.session_id, ...seen }));
  await debug.send('Network.enable');
  await debug.send('Network.emulateNetworkConditions', session.network);
  if (cpu > 1) await debug.send('Emulation.setCPUThrottlingRate', { rate: cpu });
  return page;
}

/** Uncaught exceptions, logged errors and the browser's own complaints; later the base of the labels. */
async function watchErrors(debug, see) {
  debug.on('Runtime.exceptionThrown', ({ timestamp, exceptionDetails: details }) => {
    const text = `${details.text} ${details.exception?.description ?? details.exception?.value ?? ''}`.trim();
    const url = details.stackTrace?.callFrames?.[0]?.url || details.url || null;
    see({ at: timestamp, kind: 'exception', text, url });
  });
  debug.on('Runtime.consoleAPICalled', ({ timestamp, type, args }) => {
    const error = args.find((argument) => argument.subtype === 'error');
    if (type === 'error' && error) see({ at: timestamp, kind: 'console', text: error.description, url: null });
  });
  debug.on('Log.entryAdded', ({ entry }) => {
    if (entry.level === 'error') see({ at: entry.timestamp, kind: 'log', text: entry.text, url: entry.url ?? null });
  });
  await debug.send('Runtime.enable');
  await debug.send('Log.enable');
}
