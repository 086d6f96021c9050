import { workerName } from '#src/client/worker/worker.ts';
import { messageOf } from '#src/core/errors.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import type { ConnectionsQuestion } from '#src/core/ports/questions/connections-control.ts';
import { tryConnection } from '#src/destinations/connections/try-connection.ts';
import { type Destinations, startDestinations } from '#src/destinations/destinations.ts';
import { tryBounds } from '#src/destinations/function-deliverer.ts';
import { createFunctionTarget } from '#src/destinations/function-target.ts';
import { createVettedHttp } from '#src/destinations/http/vetted-http.ts';
import { createTargets, type ExternalTargets } from '#src/destinations/targets/create-targets.ts';
import { createDisStreams } from '#src/nats/streams/dis-streams.ts';
import { createPublications } from '#src/nats/streams/publications.ts';
import { traceTargets } from '#src/tracing/targets.ts';
import { commonPorts, type RoleContext } from './role-context.ts';

/** A record of DIS holds the envelope in base64, which is a third larger. */
const BASE64_SHARE = 0.7;

export function startDestinationsRole(context: RoleContext): Destinations {
  const { ports, tracer, maxDeliveryAgeInMs } = context;
  const name = `deliverer-${workerName()}`;
  const targets = targetsOf(context);
  answerConnections(name, context, targets);
  return startDestinations({
    ...commonPorts(context, name),
    name,
    check: ports.destinationCheck,
    targets: traceTargets(targets, tracer),
    ...tryBounds,
    maxDeliveryAgeInMs,
  });
}

/** Answers what `sequent connections` asks. */
function answerConnections(name: string, context: RoleContext, targets: ExternalTargets): void {
  const { connections, reloadConnections, options, ports, stopping } = context;
  async function problemOf(question: ConnectionsQuestion): Promise<string | undefined> {
    if (question.do === 'test') return await tryConnection({ connections, targets }, { ...question, now: ports.clock.now() });
    if (question.do === 'reload' && options.connectionsFile === undefined) return 'this process was started without --connections <file>';
    if (question.do === 'reload') await reloadConnections();
    return undefined;
  }
  ports.connectionsControl.answer(
    name,
    async (question) => {
      const problem = await problemOf(question).catch(messageOf);
      return { file: options.connectionsFile ?? null, connections: connections.names(), problem };
    },
    stopping.signal,
  );
}

function targetsOf({ options, ports, connections, registry, functions, rules, encryption }: RoleContext) {
  const { connection, topology, maxHops, maxChain, logger } = options;
  const isKnown = (fn: FunctionName, qualifier: string): boolean => functions.find(fn, qualifier) !== undefined;
  const outside = createTargets({
    connections,
    clock: ports.clock,
    http: createVettedHttp(),
    streams: createDisStreams({
      connection,
      publisher: ports.publisher,
      topology,
      onProblem: (problem) => logger.warn({}, problem),
    }),
    publisher: createPublications(connection, ports.publisher),
    subjects: rules.subjects,
  });
  const { maxBytes } = ports.results;
  return {
    FunctionGraph: createFunctionTarget({
      log: ports.log,
      findFunction: registry.find,
      isKnown,
      payloads: encryption.payloads,
      maxHops,
      maxChain,
    }),
    ...outside,
    // NATS would refuse a larger message at every try.
    NATS: { ...outside.NATS, maxEnvelopeBytes: maxBytes },
    DIS: { ...outside.DIS, maxEnvelopeBytes: Math.floor(maxBytes * BASE64_SHARE) },
  };
}
