import { reactErrorHandler } from '@sentry/react';
import { hydrateRoot } from 'react-dom/client';
import { ShopApp } from '../components/ShopApp';
import type { ShopState } from '../shared/types';
import { initTelemetry } from '../telemetry/init';

initTelemetry({ maskAllInputs: true });
const state = JSON.parse(document.getElementById('state')!.textContent!) as ShopState;
hydrateRoot(document.getElementById('root')!, <ShopApp state={state} />, {
  onUncaughtError: reactErrorHandler(),
  onRecoverableError: reactErrorHandler(),
});
