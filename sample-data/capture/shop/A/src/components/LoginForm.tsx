import type { FormEvent } from 'react';
import { login } from '../shared/api';

export function LoginForm() {
  async function onSubmit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    await login({ email: new FormData(event.currentTarget).get('email') });
    location.href = '/account';
  }
  return (
    <form id="login" onSubmit={onSubmit}>
      <h1>Sign in</h1>
      <label>
        Email <input name="email" type="email" autoComplete="off" />
      </label>
      <label>
        Password <input name="password" type="password" autoComplete="off" />
      </label>
      <button id="signin">Sign in</button>
    </form>
  );
}
