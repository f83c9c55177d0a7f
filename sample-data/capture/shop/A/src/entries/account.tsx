import { reactErrorHandler } from '@sentry/react';
import { hydrateRoot } from 'react-dom/client';
import { AccountApp } from '../components/AccountApp';
import type { AccountState } from '../shared/types';
import { initTelemetry } from '../telemetry/init';

initTelemetry({ maskAllInputs: true });
const state = JSON.parse(document.getElementById('state')!.textContent!) as AccountState;
hydrateRoot(document.getElementById('root')!, <AccountApp state={state} />, {
  onUncaughtError: reactErrorHandler(),
  onRecoverableError: reactErrorHandler(),
});
