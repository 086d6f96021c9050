import { receiverConnection } from '#test/support/destinations/delivering-system.ts';
import { answer, openReceiver, type Receiver, type Reply } from '#test/support/destinations/receiver.ts';
import { functionDestination, startWebSequent, type WebOptions, type WebSequent } from './web-sequent.ts';

/** A shop whose functions are destinations of each other, with a warehouse that receives webhooks. */
export interface Shop extends WebSequent {
  readonly warehouse: Receiver;
}

const shortBackoff = { initialInMs: 400, factor: 2, maxInMs: 2_000, jitter: 0 };

/** The warehouse refuses its first webhook for `/orders` and accepts the later ones. It always refuses `/gone`, and is never open at `/closed`. */
const warehouseReply = (): Reply => {
  let isOpen = false;
  return (response, received, request) => {
    const reply =
      received.path === '/gone'
        ? answer(410, {}, 'not sold here any more')
        : answer(isOpen && received.path !== '/closed' ? 204 : 503, {}, 'the stock is being counted');
    isOpen ||= received.path === '/orders';
    reply(response, received, request);
  };
};

/** Starts the shop: functions with retries and destinations, and the warehouse. */
export async function openShop(options: WebOptions = {}): Promise<Shop> {
  const warehouse = await openReceiver(warehouseReply());
  const sequent = await startWebSequent({
    connections: { warehouse: receiverConnection(warehouse) },
    env: { RECEIVER_SECRET: `whsec_${Buffer.from('the secret of the warehouse').toString('base64')}` },
    ...options,
  });
  const webhook = (path: string) => ({ destination: 'HTTP', param: { url: `${warehouse.url}${path}`, connection: 'warehouse' } });
  await sequent.define('invoices', { description: 'writes the invoice of an order' });
  await sequent.define('alerts', { description: 'alerts the operator on call' });
  await sequent.define('orders', {
    description: 'charges an order, which is then invoiced and shipped',
    policy: {
      maxRetries: 3,
      backoff: shortBackoff,
      onSuccess: [webhook('/orders'), functionDestination('invoices')],
      onFailure: [functionDestination('alerts')],
    },
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
