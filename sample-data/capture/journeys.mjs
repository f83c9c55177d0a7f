// What visitors do, with a real mouse and a real keyboard. Each journey notes its steps and what it saw on the screen.
import { SHOP } from './settings.mjs';

const WORDS = ['kettle', 'outlet', 'sencha', 'cup set', 'saucer'];
const PEOPLE = ['Maya Lindqvist', 'Tobias Ferring', 'Ines Carvallo', 'Oskar Bellweather', 'Priya Sandstrom'];
const TEST_CARD = '4111111111111111';
const DOCUMENTATION_IBAN = 'IE29AIBK93115212345678';
/** After so many milliseconds a visitor loads the page again. */
const PATIENCE = 15_000;
const SEARCHES = 0.65;
const PICKS_OUTLET = 0.62;

/** One visitor's hands and eyes on a page. */
export class Visit {
  constructor(page, random, session) {
    Object.assign(this, { page, random, session, steps: [], crashed: false, blankAt: null });
    this.person = random.pick(PEOPLE);
    this.email = `${this.person.toLowerCase().replace(' ', '.')}@example.org`;
  }

  note(step, detail = {}) {
    this.steps.push({ step, at: Date.now(), ...detail });
  }

  pause(milliseconds) {
    return this.page.waitForTimeout(milliseconds * (0.6 + this.random.next() * 0.8));
  }

  async open(path) {
    this.note('open', { path });
    const load = (timeout) => this.page.goto(SHOP + path, { waitUntil: 'load', timeout });
    await load(PATIENCE).catch((error) => {
      if (error.name !== 'TimeoutError') throw error;
      this.note('reload', { path });
      return load(2 * PATIENCE);
    });
    await this.pause(500);
  }

  async press(selector) {
    const target = this.page.locator(selector).first();
    await target.scrollIntoViewIfNeeded({ timeout: 6000 });
    const box = await target.boundingBox();
    if (box) await this.page.mouse.move(box.x + box.width / 2, box.y + box.height / 2, { steps: 6 });
    await target.click({ timeout: 6000 });
  }

  async type(selector, text, delay = 30) {
    await this.press(selector);
    await this.page.keyboard.type(text, { delay });
  }

  async look(step, works) {
    const settled = await this.page.waitForSelector(works, { timeout: 2500 + 15 * this.session.network.latency }).then(
      () => true,
      () => false,
    );
    this.note(step, { worked: settled });
    if (!settled) this.crashed = true;
    return settled;
  }
}

async function search(visit) {
  visit.note('search');
  await visit.type('#search', visit.random.pick(WORDS), 55);
  await visit.pause(600);
  await visit.page.locator('#search').fill('');
  await visit.pause(300);
}

async function readProduct(visit, id) {
  await visit.open(`/product/${id}`);
  await visit.page.waitForSelector('#stock:has-text("in stock")', { timeout: 6000 });
  await visit.pause(300);
  if (visit.random.next() < 0.5) {
    visit.note('reviews');
    await visit.press('#open-reviews');
    await visit.pause(400);
  }
}

async function addToCart(visit, category) {
  visit.note('add', { category });
  await visit.press(category ? `button.add[data-category=${category}]` : 'button.add');
  await visit.pause(700);
}

async function fillCart(visit) {
  const category = visit.random.next() < PICKS_OUTLET ? 'outlet' : 'tea';
  await addToCart(visit, category);
  if (visit.random.next() < 0.45) await addToCart(visit, 'tea');
  if (visit.random.next() < 0.6) {
    await readProduct(visit, category === 'outlet' ? visit.random.between(9, 12) : visit.random.between(1, 4));
    await addToCart(visit, category);
  }
}

async function arrive(visit) {
  await visit.open('/');
  await visit.page.mouse.wheel(0, 240);
  await visit.pause(500);
  if (visit.random.next() < SEARCHES) await search(visit);
}

/** Somebody leaves the list while a search is still on its way, by the browser's stop button. */
async function stopSearch(visit) {
  visit.note('stop');
  await visit.type('#search', 'moka', 10);
  await visit.page.evaluate(() => window.stop());
  await visit.pause(500);
}

async function seeCart(visit) {
  visit.note('cart');
  await visit.press('#nav-cart');
  await visit.page.waitForURL('**/cart', { timeout: 20_000 });
  await visit.look('saw-cart', '#totals');
  await visit.pause(700);
}

async function checkOut(visit) {
  await visit.open('/checkout');
  await visit.type('input[name=name]', visit.person, 20);
  await visit.type('input[name=email]', visit.email, 20);
  await visit.type('input[name=card]', TEST_CARD, 25);
  visit.note('pay');
  await visit.press('#pay');
  await visit.look('saw-order', '#order');
  await visit.pause(900);
}

async function seeOrder(visit, id) {
  await visit.open(`/order/${id}`);
  await visit.look('saw-total', '#order-total');
}

async function signIn(visit) {
  await visit.open('/login');
  await visit.type('input[name=email]', visit.email, 25);
  await visit.type('input[name=password]', 'an-invented-word', 20);
  visit.note('sign-in');
  await visit.press('#signin');
  await visit.page.waitForURL('**/account', { timeout: 20_000 });
  await visit.page.waitForLoadState('load');
  await visit.pause(900);
  const text = await visit.page.evaluate(() => document.body.innerText.trim());
  visit.note('saw-account', { worked: text !== '' });
  if (text === '') {
    visit.crashed = true;
    visit.blankAt = Date.now();
    await visit.pause(2000);
    return;
  }
  await visit.type('input[name=phone]', '7', 20);
  await visit.press('#last-order');
  await visit.look('saw-total', '#order-total');
}

async function askRefund(visit) {
  await visit.open('/refund');
  await visit.type('input[name=order]', '1001', 30);
  await visit.type('input[name=email]', visit.email, 25);
  await visit.type('input[name=iban]', DOCUMENTATION_IBAN, 25);
  await visit.pause(500);
  await visit.press('#send-refund');
  await visit.look('saw-refund', '#refund-done');
}

async function contactSupport(visit) {
  await visit.open('/');
  await visit.press('#support');
  visit.note('support');
  await visit.pause(900);
}

const JOURNEYS = {
  async browse(visit) {
    await readProduct(visit, visit.random.between(1, 16));
    if (visit.random.next() < 0.5) await addToCart(visit);
    if (visit.random.next() < 0.6) await readProduct(visit, visit.random.between(1, 16));
  },
  async cart(visit) {
    await fillCart(visit);
    await seeCart(visit);
  },
  async checkout(visit) {
    await fillCart(visit);
    if (visit.random.next() < 0.6) await seeCart(visit);
    await checkOut(visit);
  },
  async order(visit) {
    await readProduct(visit, visit.random.between(1, 16));
    await seeOrder(visit, visit.random.between(1001, 1012));
    await visit.pause(800);
  },
  account: signIn,
  refund: askRefund,
};

/** Crawlers don't search or click: they read a few pages, old orders among them. */
async function crawl(visit) {
  for (const path of ['/', `/product/${visit.random.between(1, 16)}`, `/product/${visit.random.between(1, 16)}`]) {
    await visit.open(path);
    await visit.pause(900);
  }
  if (visit.random.next() < 0.5) await visit.open(`/order/${visit.random.between(1001, 1012)}`);
  await visit.pause(700);
}

export async function walk(visit) {
  const { journey, contacts_support } = visit.session;
  if (journey === 'crawl') return crawl(visit);
  await arrive(visit);
  if (visit.random.next() < 0.06) await stopSearch(visit);
  await JOURNEYS[journey](visit);
  if (visit.crashed && contacts_support) await contactSupport(visit);
}

/** A tab that was opened before a deploy and used after it. */
export async function walkStale(visit, deployed) {
  await visit.open(`/product/${visit.random.between(1, 16)}`);
  await deployed;
  await visit.page.waitForTimeout(2000 + visit.random.next() * 40_000);
  visit.note('reviews');
  await visit.press('#open-reviews');
  await visit.pause(1200);
}
