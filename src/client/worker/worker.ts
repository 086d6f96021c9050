import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { type ClientAddress, connectionOptionsOf } from '#src/client/address.ts';
import { parseMasterKeys } from '#src/core/encryption/master-keys.ts';
import { PayloadSealer } from '#src/core/encryption/payload-sealer.ts';
import { MAX_CHAIN, MAX_HOPS } from '#src/core/functions/definition.ts';
import type { Grants } from '#src/core/functions/handler-rules.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import type { Tenancy } from '#src/core/names/tenancy.ts';
import { createRedaction } from '#src/core/output/redaction.ts';
import { createLargePayloads } from '#src/core/payloads/large-payloads.ts';
import { systemTimers } from '#src/core/ports/clock.ts';
import type { HostLayer } from '#src/core/ports/function-host.ts';
import { type Logger, silentLogger } from '#src/core/ports/logger.ts';
import { exampleEvent } from '#src/core/text/example-event.ts';
import { createFunctionDeliverer } from '#src/destinations/function-deliverer.ts';
import { createFunctionTarget } from '#src/destinations/function-target.ts';
import { type MissingTarget, missingTargetInWords, missingTargets } from '#src/functions/dependents.ts';
import { openFunctionDirectory } from '#src/functions/directory.ts';
import { createFunctionRegistry } from '#src/functions/registry.ts';
import { hostLayers } from '#src/hosts/around/host-layers.ts';
import { surroundHost } from '#src/hosts/around/layers.ts';
import { createUnsealingLayer } from '#src/hosts/around/unsealing-layer.ts';
import { createInlineHost } from '#src/hosts/inline-host.ts';
import { compileLinear } from '#src/hosts/linear-patterns.ts';
import { openNatsPorts } from '#src/nats/ports.ts';
import { openConnection } from '#src/nats/transport/connection/connection.ts';
import { createTracingLayer } from '#src/tracing/host.ts';
import { traceTargets } from '#src/tracing/targets.ts';
import { findTracer } from '#src/tracing/tracer.ts';
import { startWorker } from '#src/worker/worker.ts';
import type { TypedFunction } from './define-function.ts';
import { toHandler } from './handlers.ts';
import { ownInstance } from './own-instance.ts';

/** The functions of a worker, and where NATS is. The connection options of `nats` are accepted too. */
export type WorkerOptions = ClientAddress & {
  /** The functions that the worker registers and runs. Each has a handler. */
  // biome-ignore lint/suspicious/noExplicitAny: a list of functions of any types
  functions: readonly TypedFunction<any, any>[];
  /** The region and the project of the functions; `local` and `default` by default. Must equal the configuration of Sequent. */
  tenancy?: Tenancy;
  /** Without a logger, problems of the worker are not reported, except for warnings about its functions, which Node prints. */
  logger?: Logger;
  /** The lease of a work item: the time after which another worker takes over the work of a dead one, in milliseconds; 15,000 by default. */
  leaseInMs?: number;
  /** The limit of destinations in a chain (L1). Must equal the configuration of Sequent. */
  maxHops?: number;
  /** The limit of invocations that follow from one (L2). Must equal the configuration of Sequent. */
  maxChain?: number;
  /** Whether a request with an empty payload runs with the event `{}`, or is refused. Must equal the configuration of Sequent. */
  emptyPayload?: 'json' | 'refuse';
  /** What other projects may use in addition to the defaults. Must equal the configuration of Sequent. */
  grants?: Grants;
  /** The lines of the file of `--encryption-key`. Without them, no attempt of a function whose project encrypts payloads is made. */
  encryptionKeys?: string;
  /**
   * The lines of the file of `--redact`: regular expressions of secrets in output and failures, which are hidden besides the default ones before
   * they are stored. `off` hides nothing.
   */
  redact?: string;
};

/** A worker in the user's own process. */
export interface EmbeddedWorker extends AsyncDisposable {
  /** Stops pulling, waits at most `graceInMs` milliseconds (20,000 by default) for running executions, and releases the other work items. No failure of an execution rejects the promise. */
  stop(graceInMs?: number): Promise<void>;
}

/** See `startWorker` of the client. */
export async function startEmbeddedWorker({
  functions,
  tenancy,
  logger: given,
  leaseInMs = 15_000,
  maxHops = MAX_HOPS,
  maxChain = MAX_CHAIN,
  emptyPayload,
  grants,
  encryptionKeys,
  redact: redactions = '',
  ...address
}: WorkerOptions): Promise<EmbeddedWorker> {
  const logger = given ?? silentLogger;
  const masterKeys = encryptionKeys === undefined ? undefined : parseMasterKeys(encryptionKeys, 'encryptionKeys');
  const payloads = new PayloadSealer({ masterKeys: () => masterKeys });
  const handlers = new Map(functions.map((fn) => [fn.name, toHandler(fn)]));
  const redact = redactions === 'off' ? undefined : await createRedaction(redactions, compileLinear);
  const worker = workerName();
  const connection = await openConnection(
    { name: worker, role: 'worker', ...connectionOptionsOf(address) },
    { onUnanswered: (problem) => logger.warn({}, problem) },
  );
  connection.refusals.onMissingPermission((message) => logger.error({}, message));
  const ports = await openNatsPorts(connection, { leaseInMs, onProblem: (problem) => logger.warn({}, problem) });
  const registry = createFunctionRegistry(ports.functions, { grants, clock: ports.clock });
  for (const { name, options, input } of functions) {
    await registry.put({ ...options, name, handler: { kind: 'inline' } });
    await registry.testEvents.putExample(name, exampleEvent(input));
  }
  const closing = new AbortController();
  const directory = await openFunctionDirectory(ports.functions, { signal: closing.signal, payloads });
  const own = [...handlers.keys()].flatMap((name) => directory.get(name as FunctionName) ?? []);
  for (const missing of missingTargets(own, undefined, directory.get)) warnOf(missing, given);
  const common = {
    ...ports,
    tenancy: tenancy ?? { region: 'local', project: 'default' },
    maxHops,
    maxChain,
    payloads,
    logger,
    appendId: createAppendIds(worker),
  };
  const isKnown = (name: FunctionName, qualifier: string): boolean => directory.find(name, qualifier) !== undefined;
  const functionTarget = createFunctionTarget({ ...common, findFunction: registry.find, isKnown });
  const deliverer = createFunctionDeliverer({
    ...common,
    name: `deliverer-${worker}`,
    targets: traceTargets({ FunctionGraph: functionTarget }, findTracer()),
  });
  const large = createLargePayloads({ store: ports.payloadStore, payloads });
  const role = startWorker({
    ...common,
    worker,
    emptyPayload,
    deliverer,
    host: surroundHost(createInlineHost(handlers, undefined, redact), layersOf({ large, payloads, redact, logger })),
    functions: directory,
    findFunction: directory.ask,
    canRun: ({ name, handler }) => handler.kind === 'inline' && handlers.has(name),
  });
  const { project: ownProject } = common.tenancy;
  const missingKeys = (): string[] => payloads.encrypting.filter(({ hasKey }) => !hasKey).map(({ project }) => project ?? ownProject);
  const leave = await ports.roleInstances.announce(ownInstance(['worker'], ports.clock, { missingKeys, load: () => role.load }));
  // The server knows all subscriptions when the start is over, so a question of another connection finds this worker.
  await connection.nats.flush();
  const stop = async (graceInMs = 20_000): Promise<void> => {
    const cancelEnd = systemTimers.after(graceInMs, connection.endRetries);
    await leave().catch(() => {});
    await role.stop(graceInMs);
    await deliverer.stop();
    closing.abort();
    cancelEnd();
    ports.close();
    await connection.close();
  };
  return { stop, [Symbol.asyncDispose]: () => stop() };
}

/** The code of the warning of Node that a worker without a logger emits. */
const MISSING_TARGET = 'SEQUENT_MISSING_TARGET';

/**
 * Warns of a destination of a function of this worker that names no function. It is no error: the function may be that of a worker which
 * starts later (SRC5).
 */
function warnOf(missing: MissingTarget, logger: Logger | undefined): void {
  const problem = missingTargetInWords(missing);
  if (logger !== undefined) logger.warn({}, problem);
  else process.emitWarning(problem, { type: 'SequentWarning', code: MISSING_TARGET });
}

function layersOf(parts: Pick<Parameters<typeof hostLayers>[0], 'large' | 'payloads' | 'redact' | 'logger'>): HostLayer[] {
  // This process opens no secret user data.
  return hostLayers({ ...parts, tracing: createTracingLayer(findTracer()), unsealing: createUnsealingLayer('inline', undefined) });
}

function createAppendIds(worker: string): () => string {
  let count = 0;
  return () => `${worker}-${count++}`;
}

/** Returns a name that no other worker ever has, because the log records the name with each attempt. */
export function workerName(): string {
  return `${hostname()
    .replace(/[^A-Za-z0-9-]/g, '-')
    .slice(0, 40)}-${process.pid}-${randomBytes(4).toString('hex')}`;
}
