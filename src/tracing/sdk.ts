import { hostname } from 'node:os';
import { DiagLogLevel, diag } from '@opentelemetry/api';
import { messageOf } from '#src/core/errors.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import { findTracer } from './tracer.ts';

/*
 * The OpenTelemetry SDK, which sends spans to a receiver by OTLP over HTTP.
 *
 * `OTEL_EXPORTER_OTLP_ENDPOINT` turns it on. Its packages are optional: they are loaded only then. The SDK reads all further variables of
 * OpenTelemetry (headers, sampler, limits, attributes of the resource) itself.
 */

/** The packages of the newest line for Node 20. */
const INSTALL = 'npm install @opentelemetry/sdk-trace-node@2 @opentelemetry/resources@2 @opentelemetry/exporter-trace-otlp-proto@0.223';
const PROTOCOL = 'http/protobuf';
/** A receiver that does not answer delays the end of the process by this time at most. */
const FLUSH_WITHIN_MS = 5_000;
const REPORT_EVERY_MS = 60_000;

type Environment = Readonly<Record<string, string | undefined>>;

export type TracingOptions = {
  env?: Environment;
  version: string;
  roles: readonly string[];
  /** Called when spans cannot be sent. The process works without them. */
  onProblem: (problem: string) => void;
};

/**
 * Registers the SDK when the environment names a receiver; `undefined` otherwise, and when another SDK is registered.
 *
 * Call this function before the roles start, because each role takes its tracer then. `end` sends the last spans.
 */
export async function startTracing({
  env = process.env,
  version,
  roles,
  onProblem,
}: TracingOptions): Promise<{ end(): Promise<void> } | undefined> {
  if (!isWanted(env) || findTracer() !== undefined) return undefined;
  const protocol = env.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL || env.OTEL_EXPORTER_OTLP_PROTOCOL || PROTOCOL;
  if (protocol !== PROTOCOL) {
    onProblem(`no spans are sent: the protocol is ${protocol}, and Sequent has ${PROTOCOL} (usually on port 4318)`);
    return undefined;
  }
  const sdk = await loadSdk().catch((error: unknown) => {
    onProblem(`no spans are sent: the packages of OpenTelemetry cannot be loaded (${messageOf(error)}); run: ${INSTALL}`);
  });
  if (sdk === undefined) return undefined;
  diag.setLogger({ ...silent, error: reportSometimes(onProblem) }, { logLevel: DiagLogLevel.ERROR, suppressOverrideMessage: true });
  const own = { 'service.name': 'sequent', 'service.version': version, 'host.name': hostname(), 'process.pid': process.pid };
  const provider = new sdk.NodeTracerProvider({
    resource: sdk
      .defaultResource()
      .merge(sdk.resourceFromAttributes({ ...own, 'sequent.roles': [...roles] }))
      .merge(sdk.detectResources({ detectors: [sdk.envDetector] })),
    spanProcessors: [new sdk.BatchSpanProcessor(new sdk.OTLPTraceExporter())],
  });
  provider.register();
  return {
    end: async () => await Promise.race([provider.shutdown().catch(() => {}), systemClock.sleep(FLUSH_WITHIN_MS)]),
  };
}

/** The names that OpenTelemetry's specification gives to the switches. */
function isWanted(env: Environment): boolean {
  const endpoint = env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || env.OTEL_EXPORTER_OTLP_ENDPOINT;
  return Boolean(endpoint) && env.OTEL_SDK_DISABLED?.toLowerCase() !== 'true' && env.OTEL_TRACES_EXPORTER !== 'none';
}

async function loadSdk() {
  const [node, resources, exporter] = await Promise.all([
    import('@opentelemetry/sdk-trace-node'),
    import('@opentelemetry/resources'),
    import('@opentelemetry/exporter-trace-otlp-proto'),
  ]);
  return { ...node, ...resources, ...exporter };
}

const nothing = (): void => {};
const silent = { error: nothing, warn: nothing, info: nothing, debug: nothing, verbose: nothing };

/** A receiver that is down fails every batch of spans. */
function reportSometimes(onProblem: (problem: string) => void): (message: string) => void {
  let reportedAt = Number.NEGATIVE_INFINITY;
  return (message) => {
    if (performance.now() - reportedAt < REPORT_EVERY_MS) return;
    reportedAt = performance.now();
    onProblem(`spans cannot be sent: ${reasonIn(message)}`);
  };
}

/** The SDK reports an error as JSON with its stack. */
function reasonIn(message: string): string {
  try {
    return (JSON.parse(message) as { message?: string }).message ?? message;
  } catch {
    return message;
  }
}
