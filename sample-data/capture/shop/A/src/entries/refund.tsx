import { reactErrorHandler } from '@sentry/react';
import { hydrateRoot } from 'react-dom/client';
import { RefundApp } from '../components/RefundApp';
import { initTelemetry } from '../telemetry/init';

initTelemetry({ maskAllInputs: true });
hydrateRoot(document.getElementById('root')!, <RefundApp />, {
  onUncaughtError: reactErrorHandler(),
  onRecoverableError: reactErrorHandler(),
});
