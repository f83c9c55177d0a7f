import { useState, type ReactNode } from 'react';
import { contactSupport } from '../shared/api';

function SupportButton() {
  const [sent, setSent] = useState(false);
  async function onClick() {
    await contactSupport(location.href);
    setSent(true);
  }
  return (
    <button id="support" onClick={onClick}>
      {sent ? 'We will call you' : 'Contact support'}
    </button>
  );
}

export function Layout({ children }: { children: ReactNode }) {
  return (
    <div className="layout">
      <header>
        <a href="/">Tea &amp; Kettle</a>
        <nav>
          <a id="nav-cart" href="/cart">
            Cart
          </a>{' '}
          <a href="/login">Account</a> <a href="/refund">Refunds</a>
        </nav>
      </header>
      <main>{children}</main>
      <footer>
        <SupportButton /> Demo shop. No real persons, no real orders.
      </footer>
    </div>
  );
}
