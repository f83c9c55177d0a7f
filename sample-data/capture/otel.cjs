// Loaded before each server (`node -r ./otel.cjs`): HTTP spans in, HTTP spans out, nothing about this machine.
const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-http');
const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http');
const { resourceFromAttributes } = require('@opentelemetry/resources');
const { NodeSDK } = require('@opentelemetry/sdk-node');
const { AlwaysOnSampler, BatchSpanProcessor, ParentBasedSampler } = require('@opentelemetry/sdk-trace-node');

const collectorPort = Number(process.env.PORT_BASE) + 30;
const exporter = new OTLPTraceExporter({ url: `http://127.0.0.1:${collectorPort}/v1/traces` });

const sdk = new NodeSDK({
  autoDetectResources: false,
  resourceDetectors: [],
  resource: resourceFromAttributes({
    'service.name': process.env.SERVICE_NAME,
    'service.version': process.env.SERVICE_VERSION,
    'deployment.environment.name': 'production',
  }),
  sampler: new ParentBasedSampler({ root: new AlwaysOnSampler() }),
  spanProcessors: [new BatchSpanProcessor(exporter, { scheduledDelayMillis: 500 })],
  instrumentations: [
    new HttpInstrumentation({
      ignoreOutgoingRequestHook: (options) => Number(options.port) === collectorPort,
      ignoreIncomingRequestHook: (request) => /^\/(assets|img|healthz|style)/.test(request.url),
    }),
  ],
});
sdk.start();
process.on('SIGTERM', () => sdk.shutdown().finally(() => process.exit(0)));
