import { receiverConnection } from '#test/support/destinations/delivering-system.ts';
import { answer, openReceiver, type Receiver, type Reply } from '#test/support/destinations/receiver.ts';
import { startWebSequent, telling, type WebOptions, type WebSequent } from './web-sequent.ts';

/** A shop whose functions tell each other, with a warehouse that listens to a webhook. */
export interface Shop extends WebSequent {
  readonly warehouse: Receiver;
}

const soon = { initialInMs: 400, factor: 2, maxInMs: 2_000, jitter: 0 };

/** It refuses the first thing that it is told and accepts the others, but for what it never sold. */
const warehouseReply = (): Reply => {
  let isOpen = false;
  return (response, received, request) => {
    const reply =
      received.path === '/gone' ? answer(410, {}, 'not sold here any more') : answer(isOpen ? 204 : 503, {}, 'it counts its stock');
    isOpen ||= received.path === '/orders';
    reply(response, received, request);
  };
};

/** Functions with retries and destinations. The warehouse refuses what it is told first, and then accepts. */
export async function openShop(options: WebOptions = {}): Promise<Shop> {
  const warehouse = await openReceiver(warehouseReply());
  const sequent = await startWebSequent({
    connections: { warehouse: receiverConnection(warehouse) },
    env: { RECEIVER_SECRET: `whsec_${Buffer.from('the secret of the warehouse').toString('base64')}` },
    ...options,
  });
  const webhook = (path: string) => ({ destination: 'HTTP', param: { url: `${warehouse.url}${path}`, connection: 'warehouse' } });
  await sequent.define('invoices', { description: 'writes the invoice of an order' });
  await sequent.define('alerts', { description: 'tells whoever is on call' });
  await sequent.define('orders', {
    description: 'charges an order, and has it invoiced and sent',
    policy: { maxRetries: 3, backoff: soon, onSuccess: [webhook('/orders'), telling('invoices')], onFailure: [telling('alerts')] },
  });
  await sequent.define('returns', { description: 'takes an order back', policy: { onSuccess: [webhook('/gone')] } });
  await sequent.define('thumbnails', { description: 'makes small pictures', timeoutInMs: 600 });
  return {
    ...sequent,
    warehouse,
    async [Symbol.asyncDispose]() {
      await sequent[Symbol.asyncDispose]();
      await warehouse[Symbol.asyncDispose]();
    },
  };
}
