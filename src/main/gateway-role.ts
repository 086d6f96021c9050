import { connectClient } from '#src/client/client.ts';
import { systemClock } from '#src/core/clock.ts';
import type { Place } from '#src/core/envelope.ts';
import type { KeyValue } from '#src/core/key-value.ts';
import type { Logger } from '#src/core/logger.ts';
import type { Credential } from '#src/gateway/credentials.ts';
import { DEFAULT_LIMITS, type RunningGateway, startGateway } from '#src/gateway/gateway.ts';
import type { NatsOptions } from '#src/nats/connection.ts';
import { FLOOR_KEY } from '#src/scheduler/scheduler.ts';
import type { Configuration } from './configuration.ts';

/** What the gateway needs and no other role does. */
export type GatewayOrder = {
  /** For a connection of its own: what it accepts does not wait behind the work of the other roles. */
  address: NatsOptions;
  credentials: readonly Credential[];
} & Pick<Configuration, 'httpPort' | 'httpHost' | 'given'>;

type Options = { store: KeyValue; state: KeyValue; place: Place; logger: Logger };

/** Throws `InvalidInputError` when it cannot listen as it was told. */
export async function startGatewayRole(order: GatewayOrder, { store, state, place, logger }: Options): Promise<RunningGateway> {
  const client = await connectClient({ ...order.address, name: 'sequent-gateway', place });
  try {
    const gateway = await startGateway(
      {
        client,
        isConnected: () => client.connection.isConnected,
        place,
        store,
        credentials: order.credentials,
        limits: DEFAULT_LIMITS,
        clock: systemClock,
        logger,
        // Everything that is open lies behind the floor of the scheduler.
        metricsFrom: Number((await state.get(FLOOR_KEY))?.value ?? 1),
      },
      { host: order.httpHost ?? '127.0.0.1', port: order.httpPort, isPortNegotiable: order.given.httpPort === undefined },
    );
    return {
      ...gateway,
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
