import { connectClient } from '#src/client/client.ts';
import { createBulkStore } from '#src/core/bulk/bulk-operation.ts';
import { DEFAULT_LIMITS, type RunningGateway, startGateway } from '#src/gateway/gateway.ts';
import { openKeyValue } from '#src/nats/key-value.ts';
import { describeReplicas } from '#src/nats/replicas/describe-replicas.ts';
import { examineReplicas } from '#src/nats/replicas/examine-replicas.ts';
import { createNatsAuditLog } from '#src/nats/streams/audit-log.ts';
import { readResultFilters } from '#src/nats/streams/results/result-filters.ts';
import { createSignatureLog } from '#src/nats/streams/signature-log.ts';
import { natsOptionsOf } from '#src/nats/transport/connection/connect-options.ts';
import type { Connection } from '#src/nats/transport/connection/connection.ts';
import { GATEWAY_BUCKET, gatewayStreams } from '#src/nats/wire/topology.ts';
import { openCredentials, openTls } from './files/gateway-files.ts';
import type { LogWatch } from './log-watch.ts';
import type { RoleContext } from './role-context.ts';

/** An HTTP client gives up earlier than a program that holds a Sequent client. The answer then arrives within ten seconds (LATE1). */
const ACCEPT_WITHIN_MS = 9_000;

/** `undefined` when the options say nothing about HTTP. Throws `InvalidInputError` when the gateway cannot listen. */
export async function startGatewayRole(context: RoleContext, logWatch: LogWatch): Promise<RunningGateway | undefined> {
  const { options, ports } = context;
  if (options.gateway === undefined) return undefined;
  const { gateway: settings, connection, topology, tenancy, grants, logger } = options;
  const { address, httpOrigins, httpHost, httpPort, given } = settings;
  const credentials = openCredentials(settings, context);
  const tls = openTls(settings, context);
  await ports.streams.add(...gatewayStreams({ ...topology, maxAgeInMs: settings.auditRetentionInMs }));
  const store = await openKeyValue(connection, GATEWAY_BUCKET, ports.streams);
  const clientOptions = {
    role: 'gateway',
    ...natsOptionsOf(address),
    name: 'sequent-gateway',
    tenancy,
    grants,
    sealer: context.encryption.sealer,
    masterKeys: context.encryption.masterKeys,
    acceptWithinMs: ACCEPT_WITHIN_MS,
    jetstreamApi: 'required',
    registryCopy: { directory: context.functions, payloads: context.encryption.payloads, definitions: context.definitions },
  } as const;
  const client = await connectClient(clientOptions);
  client.connection.refusals.onMissingPermission((message) => logger.error({}, message));
  logWatch.add(client.logEpoch);
  try {
    const gateway = await startGateway(
      {
        client,
        isConnected: () => client.connection.isConnected,
        tenancy,
        store,
        bulks: createBulkStore(ports.state, ports.clock),
        credentials,
        tls,
        origins: httpOrigins ?? [],
        limits: DEFAULT_LIMITS,
        clock: ports.clock,
        logger,
        history: ports.history,
        encrypting: () => context.encryption.payloads.encrypting,
        signatures: createSignatureLog(connection),
        audit: createNatsAuditLog(connection, ports.publisher),
        logWatch,
        functions: context.functions,
        definitions: context.definitions,
        quotas: {
          projects: context.quotas,
          acknowledged: () => client.logEpoch.highest,
          logBytes: async () => (await ports.admission.capacity()).maxBytes,
        },
        resultFilters: () => readResultFilters(client.connection),
        compareReplicas: () => findDifference(client.connection),
      },
      { host: httpHost ?? '127.0.0.1', port: httpPort, isPortNegotiable: given.httpPort === undefined },
    );
    return {
      ...gateway,
      // A spread would copy the value of this moment.
      get metricsReadAt() {
        return gateway.metricsReadAt;
      },
      async stop(graceInMs) {
        await gateway.stop(graceInMs);
        await client.close();
      },
    };
  } catch (error) {
    await client.close();
    throw error;
  }
}

/** The watch compares fewer samples than the doctor, because it repeats. */
const WATCHED_BLOCKS = 2;

async function findDifference(connection: Connection): Promise<string | undefined> {
  const compared = await examineReplicas(connection, WATCHED_BLOCKS);
  return compared === undefined || compared.isEqual ? undefined : describeReplicas(compared);
}
