import type { GatewayClient } from '../ports.ts';
import type { QuotaGuard } from './quota-guard.ts';

type Admit = QuotaGuard['admit'];

/**
 * A client whose requests pass the quotas of their project before the log accepts them (QUO1). Every route uses it, so no route can forget to ask.
 * The members of batches and the requests of bulk operations wait for their turn; all other requests are refused.
 */
export function limitClient(client: GatewayClient, guard: QuotaGuard, { waits = false } = {}): GatewayClient {
  const admitOne: Admit = (name, count) => (waits ? guard.admitInTurn(name, count) : guard.admit(name, count));
  const admitFor = ({ batch }: { batch?: string | undefined } = {}): Admit => (batch === undefined ? admitOne : guard.admitInTurn);
  return {
    ...client,
    invokeText: (name, payload, options) => within(admitFor(options), { name }, () => client.invokeText(name, payload, options)),
    invokeTogether: (name, payload, options) => within(admitFor(options), { name }, () => client.invokeTogether(name, payload, options)),
    invokeOnce: (name, payload, options) =>
      within(admitFor(options), { name, repeatedIn: ({ earlier }) => (earlier === undefined ? 0 : 1) }, () =>
        client.invokeOnce(name, payload, options),
      ),
    invokeTexts: (name, payloads, options) =>
      within(admitFor(options), { name, count: payloads.length }, () => client.invokeTexts(name, payloads, options)),
    schedules: { ...client.schedules, run: (name) => within(admitOne, { name }, () => client.schedules.run(name)) },
    repair: {
      ...client.repair,
      redrive(id, options) {
        const { function: name } = options ?? {};
        return name === undefined
          ? client.repair.redrive(id, options)
          : within(admitOne, { name }, () => client.repair.redrive(id, options));
      },
      redriveOnce(id, options) {
        const { function: name } = options ?? {};
        return name === undefined
          ? client.repair.redriveOnce(id, options)
          : within(admitOne, { name, repeatedIn: (redrive) => (redrive === undefined ? 1 : 0) }, () =>
              client.repair.redriveOnce(id, options),
            );
      },
    },
  };
}

type Sent<Value> = { name: string; count?: number; repeatedIn?: (value: Value) => number };

async function within<Value>(
  admit: Admit,
  { name, count = 1, repeatedIn = () => 0 }: Sent<Value>,
  send: () => Promise<Value>,
): Promise<Value> {
  const admitted = admit(name, count);
  if (admitted === undefined) return await send();
  const { settle } = await admitted;
  try {
    const value = await send();
    settle(true, repeatedIn(value));
    return value;
  } catch (error) {
    // A request of unknown outcome may be in the log, which then counts it.
    settle(false);
    throw error;
  }
}
