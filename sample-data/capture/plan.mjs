// The plan of a run: who visits when, with which device, what they set out to do. All of it follows from the seed.
import crypto from 'node:crypto';
import { FIRST_CALLER, RELEASES, SUPPORT_FROM, TRAFFIC, lifetime } from './story.mjs';
import { CRAWLERS, PROFILES, REGIONS } from './visitors.mjs';

const MARGIN = 4 * 60_000;
const SHARE = { A: 110, B: 120, C: 30, D: 40 };
const STALE_PER_DEPLOY = 8;
const CRAWLER_SHARE = 0.13;
const RETURNING_SHARE = 0.3;
const CONTACTS_SUPPORT = 0.4;
const JOURNEYS = { browse: 24, cart: 21, checkout: 23, order: 12, account: 13, refund: 7 };

/** A small seeded generator (mulberry32). */
export function randomFrom(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const between = (low, high) => low + Math.floor(next() * (high - low + 1));
  const pick = (list) => list[Math.floor(next() * list.length)];
  const weighted = (weights) => {
    let rest = next() * Object.values(weights).reduce((sum, weight) => sum + weight, 0);
    return Object.keys(weights).find((name) => (rest -= weights[name]) < 0);
  };
  return { next, between, pick, weighted };
}

const idFrom = (text, length) => crypto.createHash('sha256').update(text).digest('hex').slice(0, length);

/** A time in the release's life, by the curve of the day. */
function visitTime(random, letter) {
  const { from, until } = lifetime(letter);
  const peak = Math.max(...TRAFFIC);
  for (;;) {
    const time = from + MARGIN / 4 + random.next() * (until - from - MARGIN);
    if (random.next() * peak < TRAFFIC[new Date(time).getUTCHours()]) return Math.round(time);
  }
}

function newUser(random, seed, number) {
  const weights = Object.fromEntries(PROFILES.map(({ name, weight }) => [name, weight]));
  const name = random.weighted(weights);
  const profile = PROFILES.find((candidate) => candidate.name === name);
  return { user_id: `u_${idFrom(`${seed}:user:${number}`, 8)}`, profile, region: random.weighted(profile.regions) };
}

const crawlerVisit = (profile) => ({ user_id: null, profile, region: profile.region });

/** Hands out visitors: now and then a crawler, sometimes a known user for the second or third time. */
function visitorsOf(random, seed) {
  const users = [];
  const visits = new Map();
  return () => {
    if (random.next() < CRAWLER_SHARE) return crawlerVisit(random.pick(CRAWLERS));
    const known = users.filter((user) => visits.get(user) < 3);
    const returning = known.length > 20 && random.next() < RETURNING_SHARE;
    const user = returning ? random.pick(known) : newUser(random, seed, users.length);
    if (!returning) users.push(user);
    visits.set(user, (visits.get(user) ?? 0) + 1);
    return user;
  };
}

/** Tabs that stay open across a deploy; the first is a monitor's, which gives itself away by its user agent. */
function staleVisitor(random, seed, letter, number) {
  if (number === 0) return crawlerVisit(CRAWLERS.find(({ name }) => name === 'headless'));
  return newUser(random, seed, `${letter}:stale:${number}`);
}

function sessionOf(random, seed, letter, number, visitor, stale) {
  const { profile } = visitor;
  const time = stale ? null : visitTime(random, letter);
  const late = time !== null && time > SUPPORT_FROM && time < lifetime('C').until;
  return {
    session_id: idFrom(`${seed}:session:${letter}:${number}:${stale}`, 32),
    letter,
    ...visitor,
    network: REGIONS[visitor.region][profile.device.isMobile ? 'mobile' : 'desktop'],
    journey: stale ? 'stale' : profile.bot ? 'crawl' : random.weighted(JOURNEYS),
    starts: time,
    stale,
    seed: random.between(1, 2 ** 31),
    contacts_support: late && !profile.bot && random.next() < CONTACTS_SUPPORT,
  };
}

/** Support hears of the incident from whoever comes nearest to that time: a login, a blank page, a call. */
function castFirstCaller(sessions) {
  const people = sessions.filter(({ profile }) => !profile.bot && !profile.device.isMobile);
  const distance = ({ starts }) => Math.abs(starts - FIRST_CALLER);
  const caller = people.reduce((best, session) => (distance(session) < distance(best) ? session : best));
  Object.assign(caller, { starts: FIRST_CALLER, journey: 'account', contacts_support: true });
}

/** Sessions in the order in which they are driven; `scale` 1 is the full story. */
export function planSessions(seed, scale = 1) {
  const random = randomFrom(seed);
  const visitor = visitorsOf(random, seed);
  return RELEASES.flatMap(({ letter }, index) => {
    const count = Math.round(SHARE[letter] * scale);
    const sessions = Array.from({ length: count }, (_, number) =>
      sessionOf(random, seed, letter, number, visitor(), false),
    );
    if (letter === 'B') castFirstCaller(sessions);
    sessions.sort((a, b) => a.starts - b.starts);
    if (index === RELEASES.length - 1) return sessions;
    const waiting = Array.from({ length: Math.max(2, Math.round(STALE_PER_DEPLOY * scale)) }, (_, number) =>
      sessionOf(random, seed, letter, number, staleVisitor(random, seed, letter, number), true),
    );
    return [...sessions, ...waiting];
  });
}
