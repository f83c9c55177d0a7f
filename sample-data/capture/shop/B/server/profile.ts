import type { Profile } from '../src/shared/types';

export type Account = Profile & { passwordHash: string };

/** Allow-list: only what the header needs leaves the server. */
export function toPublicProfile(account: Account): Profile {
  return { name: account.name, phone: account.phone } as Profile;
}
