import type { AccountState } from '../shared/types';
import { AccountPage } from './AccountPage';
import { Layout } from './Layout';
import { LoginForm } from './LoginForm';

export function AccountApp({ state }: { state: AccountState }) {
  return <Layout>{state.page === 'login' ? <LoginForm /> : <AccountPage profile={state.profile!} />}</Layout>;
}
