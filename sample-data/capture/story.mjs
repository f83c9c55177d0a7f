// The story in times (UTC) and letters. A release's name is the SHA of its commit; build.mjs finds it.
const at = (text) => Date.parse(text);

export const STORY_START = at('2026-03-08T00:00:00Z');
export const STORY_END = at('2026-03-10T20:00:00Z');
export const SUPPORT_FROM = at('2026-03-09T15:21:00Z');
/** When the first visitor who will call support opens the shop. */
export const FIRST_CALLER = at('2026-03-09T15:20:00Z');

export const RELEASES = [
  { letter: 'A', committed: '2026-03-02T08:40:00Z', deployed: at('2026-03-02T09:00:00Z'), message: 'Spring range' },
  {
    letter: 'B',
    committed: '2026-03-09T13:58:00Z',
    deployed: at('2026-03-09T14:20:00Z'),
    message: 'Promotions v2, ranked recommendations, slimmer profile payload',
  },
  {
    letter: 'C',
    committed: '2026-03-09T23:31:00Z',
    deployed: at('2026-03-09T23:40:00Z'),
    message: 'Hotfix: pay without a discount, mask the refund form, restore the stock query',
  },
  {
    letter: 'D',
    committed: '2026-03-10T07:04:00Z',
    deployed: at('2026-03-10T07:30:00Z'),
    message: 'Fix promotions v2, profile payload, recommendations and the banner',
  },
];

/** The hotfix went out in a hurry: nobody uploaded its maps. */
export const WITHOUT_MAPS = ['C'];

/** From when to when a release serves; A begins with the story although it was deployed before. */
export function lifetime(letter) {
  const index = RELEASES.findIndex((release) => release.letter === letter);
  const from = Math.max(RELEASES[index].deployed, STORY_START);
  return { from, until: RELEASES[index + 1]?.deployed ?? STORY_END };
}

/** Visits an hour, by hour of the day (UTC), relative. */
export const TRAFFIC = [3, 2, 1, 1, 1, 2, 4, 6, 8, 9, 10, 10, 11, 10, 9, 9, 10, 11, 12, 13, 13, 11, 8, 5];

export const BUGS = [
  {
    bug: 'missing-discount',
    title: 'Carts with outlet items lose their discount: cart, checkout and orders crash',
    release: 'B',
    endpoints: ['GET /api/cart', 'GET /api/orders/:id'],
    field: 'totals.discount',
    failing_span: 'POST /v2/promotions',
    components: ['CartDrawer', 'CheckoutForm', 'OrderSummary'],
  },
  {
    bug: 'blank-account',
    title: 'The account page is blank after login',
    release: 'B',
    endpoints: ['GET /account'],
    field: 'profile.preferences',
    failing_span: null,
    components: ['AccountPage'],
  },
];
