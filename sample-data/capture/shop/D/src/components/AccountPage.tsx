import { useState } from 'react';
import type { Profile } from '../shared/types';

function PriceNote({ profile }: { profile: Profile }) {
  return <p id="prefs">Prices shown in {profile.preferences?.currency ?? 'EUR'}</p>;
}

export function AccountPage({ profile }: { profile: Profile }) {
  const [phone, setPhone] = useState(profile.phone);
  return (
    <section id="account">
      <h1>Your account</h1>
      <PriceNote profile={profile} />
      <label>
        Phone <input name="phone" value={phone} onChange={(e) => setPhone(e.target.value)} />
      </label>
      <a id="last-order" href="/order/1002">
        Last order
      </a>
    </section>
  );
}
