import { connectClient } from '#src/client/client.ts';
import type { Grants } from '#src/core/functions/handler-rules.ts';
import type { Tenancy } from '#src/core/names/tenancy.ts';
import { systemClock } from '#src/core/ports/clock.ts';
import type { KeyValue } from '#src/core/ports/key-value.ts';
import type { Logger } from '#src/core/ports/logger.ts';
import { readFloor } from '#src/core/ports/scheduler-floor.ts';
import type { SignatureLog } from '#src/core/ports/signature-log.ts';
import type { Credential } from '#src/gateway/auth/credentials.ts';
import { DEFAULT_LIMITS, type RunningGateway, startGateway } from '#src/gateway/gateway.ts';
import type { Configuration } from '#src/main/config/configuration.ts';
import type { NatsAddress } from '#src/main/config/nats-address.ts';
import { natsOptionsOf } from '#src/nats/transport/connect-options.ts';
import { createLogCountThread } from './log-count-thread.ts';

/** What the gateway needs and no other role does. */
export type GatewayRoleOptions = {
  /** For a connection of its own: what it accepts does not wait behind the work of the other roles. */
  address: Omit<NatsAddress, 'from'>;
  credentials: readonly Credential[];
} & Pick<Configuration, 'httpPort' | 'httpHost' | 'given'> &
  Partial<Pick<Configuration, 'httpOrigins'>>;

type Options = {
  store: KeyValue;
  signatures: SignatureLog;
  state: KeyValue;
  tenancy: Tenancy;
  grants: Grants | undefined;
  logger: Logger;
};

/** Who waits for a reply over HTTP gives up earlier than a program that holds a client. */
const ACCEPT_WITHIN_MS = 10_000;

/** Throws `InvalidInputError` when it cannot listen as it was told. */
export async function startGatewayRole(
  order: GatewayRoleOptions,
  { store, signatures, state, tenancy, grants, logger }: Options,
): Promise<RunningGateway> {
  const client = await connectClient({
    ...natsOptionsOf(order.address),
    name: 'sequent-gateway',
    tenancy,
    grants,
    acceptWithinMs: ACCEPT_WITHIN_MS,
  });
  client.connection.refusals.onMissingPermission((message) => logger.error({}, message));
  // Everything that is open lies behind the floor of the scheduler.
  const from = (await readFloor(state)) ?? 1;
  const logCount = createLogCountThread({ address: order.address, from });
  try {
    const gateway = await startGateway(
      {
        client,
        isConnected: () => client.connection.isConnected,
        tenancy,
        store,
        credentials: order.credentials,
        origins: order.httpOrigins ?? [],
        limits: DEFAULT_LIMITS,
        clock: systemClock,
        logger,
        logCount,
        signatures,
      },
      { host: order.httpHost ?? '127.0.0.1', port: order.httpPort, isPortNegotiable: order.given.httpPort === undefined },
    );
    return {
      ...gateway,
      async stop(graceInMs) {
        await gateway.stop(graceInMs);
        await logCount.close();
        await client.close();
      },
    };
  } catch (error) {
    await client.close();
    throw error;
  }
}
