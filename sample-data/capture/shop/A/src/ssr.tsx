import { renderToString } from 'react-dom/server';
import { AccountApp } from './components/AccountApp';
import { RefundApp } from './components/RefundApp';
import { ShopApp } from './components/ShopApp';
import type { AccountState, ShopState } from './shared/types';

export const renderShop = (state: ShopState) => renderToString(<ShopApp state={state} />);
export const renderAccount = (state: AccountState) => renderToString(<AccountApp state={state} />);
export const renderRefund = () => renderToString(<RefundApp />);
