import { ErrorBoundary } from '@sentry/react';
import type { ShopState } from '../shared/types';
import { CartDrawer } from './CartDrawer';
import { CheckoutForm } from './CheckoutForm';
import { Layout } from './Layout';
import { OrderSummary } from './OrderSummary';
import { ProductList } from './ProductList';
import { ProductPage } from './ProductPage';
import { PromoBanner } from './PromoBanner';

export function ShopApp({ state }: { state: ShopState }) {
  return (
    <Layout>
      <ErrorBoundary>
        <PromoBanner />
      </ErrorBoundary>
      <ErrorBoundary fallback={<p className="oops">Something went wrong.</p>}>
        {state.page === 'home' && <ProductList initial={state.products} />}
        {state.page === 'product' && <ProductPage product={state.product!} all={state.products} />}
        {state.page === 'cart' && <CartDrawer />}
        {state.page === 'checkout' && <CheckoutForm />}
        {state.page === 'order' && <OrderSummary id={state.orderId!} />}
      </ErrorBoundary>
    </Layout>
  );
}
