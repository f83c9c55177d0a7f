// Who visits: devices, regions with their networks, crawlers. Every user agent is explicit; all of them run the same Chromium.
const CHROME = 'Chrome/156.0.0.0';
const WEBKIT = 'AppleWebKit/537.36 (KHTML, like Gecko)';
const webkitFor = (agent) => `AppleWebKit/537.36 (KHTML, like Gecko; compatible; ${agent})`;

const phone = (model, android, width, height, ratio) => ({
  userAgent: `Mozilla/5.0 (Linux; Android ${android}; ${model}) ${WEBKIT} ${CHROME} Mobile Safari/537.36`,
  viewport: { width, height },
  screen: { width, height },
  deviceScaleFactor: ratio,
  isMobile: true,
  hasTouch: true,
});
const desktop = (system, width, height) => ({
  userAgent: `Mozilla/5.0 (${system}) ${WEBKIT} ${CHROME} Safari/537.36`,
  viewport: { width, height },
});

const WINDOWS = 'Windows NT 10.0; Win64; x64';

/** `cpu` is Chromium's throttling rate; `regions` are weights. */
export const PROFILES = [
  {
    name: 'desktop-windows',
    weight: 34,
    device: desktop(WINDOWS, 1366, 768),
    cpu: 1,
    regions: { 'eu-west': 5, 'eu-central': 4, 'us-east': 3, 'ap-south': 1 },
  },
  {
    name: 'desktop-mac',
    weight: 18,
    device: desktop('Macintosh; Intel Mac OS X 10_15_7', 1440, 900),
    cpu: 1,
    regions: { 'eu-west': 4, 'eu-central': 2, 'us-east': 4 },
  },
  {
    name: 'desktop-extension',
    weight: 17,
    device: desktop(WINDOWS, 1536, 864),
    cpu: 1,
    extension: true,
    regions: { 'eu-west': 1, 'eu-central': 2 },
  },
  {
    name: 'phone',
    weight: 30,
    device: phone('Pixel 7', 14, 412, 839, 2.625),
    cpu: 3,
    regions: { 'eu-west': 4, 'eu-central': 4, 'us-east': 3, 'ap-south': 1 },
  },
  {
    name: 'phone-slow',
    weight: 17,
    device: phone('moto g(60)', 11, 360, 640, 2),
    cpu: 5,
    regions: { 'ap-south': 7, 'eu-west': 1, 'eu-central': 1 },
  },
];

const network = (latency, down, up) => ({
  offline: false,
  latency,
  downloadThroughput: (down * 1e6) / 8,
  uploadThroughput: (up * 1e6) / 8,
});

/** A region is a label of the driver's, tied to these networks (ms of latency, Mbit/s down and up). */
export const REGIONS = {
  'eu-west': { desktop: network(25, 40, 10), mobile: network(60, 12, 4) },
  'eu-central': { desktop: network(35, 30, 10), mobile: network(75, 10, 3) },
  'us-east': { desktop: network(90, 30, 10), mobile: network(120, 9, 3) },
  'ap-south': { desktop: network(160, 6, 2), mobile: network(400, 0.7, 0.35) },
};

const NEXUS = 'Linux; Android 6.0.1; Nexus 5X Build/MMB29P';
const crawler = (name, userAgent, mobile = false) => ({
  name,
  device: { userAgent, viewport: mobile ? { width: 412, height: 732 } : { width: 1280, height: 800 } },
  cpu: 1,
  bot: true,
  region: 'us-east',
});

export const CRAWLERS = [
  crawler(
    'googlebot',
    `Mozilla/5.0 (${NEXUS}) ${WEBKIT} ${CHROME} Mobile Safari/537.36 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)`,
    true,
  ),
  crawler(
    'googlebot-desktop',
    `Mozilla/5.0 ${webkitFor('Googlebot/2.1; +http://www.google.com/bot.html')} ${CHROME} Safari/537.36`,
  ),
  crawler(
    'bingbot',
    `Mozilla/5.0 ${webkitFor('bingbot/2.0; +http://www.bing.com/bingbot.htm')} ${CHROME} Safari/537.36`,
  ),
  crawler('ahrefsbot', 'Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)'),
  crawler('yandexbot', 'Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)'),
  crawler('headless', `Mozilla/5.0 (X11; Linux x86_64) ${WEBKIT} HeadlessChrome/156.0.0.0 Safari/537.36`),
];
