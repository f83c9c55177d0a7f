import type { Account } from './profile';

const NAMES = ['Maya Lindqvist', 'Tobias Ferring', 'Ines Carvallo', 'Oskar Bellweather', 'Priya Sandstrom'];

/** Invented persons: the user id picks one. */
export function accountOf(user: string): Account {
  const pick = parseInt(user.replace(/\D/g, '').slice(-4) || '0', 10);
  return {
    name: NAMES[pick % NAMES.length],
    phone: `+353 1 555 0${100 + (pick % 100)}`,
    preferences: { currency: 'EUR', theme: pick % 2 ? 'light' : 'dark' },
    passwordHash: 'never sent',
  };
}
