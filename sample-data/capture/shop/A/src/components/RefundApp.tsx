import { useState, type FormEvent } from 'react';
import { requestRefund } from '../shared/api';
import { Layout } from './Layout';

function RefundForm() {
  const [ticket, setTicket] = useState('');
  async function onSubmit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const answer = await requestRefund({ order: new FormData(event.currentTarget).get('order') });
    setTicket(answer.ticket);
  }
  if (ticket) return <p id="refund-done">Thank you. Your refund has the number {ticket}.</p>;
  return (
    <form id="refund" onSubmit={onSubmit}>
      <h1>Ask for a refund</h1>
      <label>
        Order <input name="order" autoComplete="off" />
      </label>
      <label>
        Email <input name="email" type="email" autoComplete="off" />
      </label>
      <label>
        IBAN <input name="iban" autoComplete="off" />
      </label>
      <button id="send-refund">Send</button>
    </form>
  );
}

export function RefundApp() {
  return (
    <Layout>
      <RefundForm />
    </Layout>
  );
}
