import type { Profile } from '../src/shared/types';

export type Account = Profile & { passwordHash: string };

/** What the browser may know of an account. */
export function toPublicProfile(account: Account): Profile {
  const { passwordHash: _secret, ...profile } = account;
  return profile;
}
