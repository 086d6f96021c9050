import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

type Fault = 'drops' | 'answers 500' | 'hangs' | 'acknowledges and resets';
const faults: readonly Fault[] = ['drops', 'answers 500', 'hangs', 'acknowledges and resets'];

/** After more failures a delivery waits for minutes. */
const MAX_FAULTS_OF_A_DELIVERY = 5;

/** A receiver of webhooks with random faults: a share of the requests meets one of four faults, and a delivery meets five at most. */
export interface FaultyReceiver extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** By request id: the delivery ids that were acknowledged, once for each acknowledgement. */
  readonly acknowledged: ReadonlyMap<string, readonly string[]>;
  /** By request id: every delivery id that arrived. */
  readonly seen: ReadonlyMap<string, ReadonlySet<string>>;
  readonly counts: Record<Fault | 'requests', number>;
  /** Ends the faults: every later request is answered with 200. */
  repair(): void;
}

export async function openFaultyReceiver({ share, random }: { share: number; random: () => number }): Promise<FaultyReceiver> {
  const acknowledged = new Map<string, string[]>();
  const seen = new Map<string, Set<string>>();
  const counts = { requests: 0, drops: 0, 'answers 500': 0, hangs: 0, 'acknowledges and resets': 0 };
  const sockets = new Set<Socket>();
  const faultsOf = new Map<string, number>();
  let isRepaired = false;

  const acknowledge = (requestId: string, deliveryId: string): void => {
    acknowledged.set(requestId, [...(acknowledged.get(requestId) ?? []), deliveryId]);
  };
  const pickFault = (deliveryId: string): Fault | undefined => {
    const met = faultsOf.get(deliveryId) ?? 0;
    if (isRepaired || met >= MAX_FAULTS_OF_A_DELIVERY || random() >= share) return undefined;
    faultsOf.set(deliveryId, met + 1);
    return faults[Math.floor(random() * faults.length)];
  };
  const server = createServer(async (request, response) => {
    const deliveryId = String(request.headers['webhook-id'] ?? '');
    const requestId = await requestIdIn(request);
    if (requestId === undefined) return;
    counts.requests++;
    seen.set(requestId, (seen.get(requestId) ?? new Set()).add(deliveryId));
    const fault = pickFault(deliveryId);
    if (fault !== undefined) counts[fault]++;
    if (fault === undefined || fault === 'acknowledges and resets') acknowledge(requestId, deliveryId);
    reply(response, fault);
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => {});
  });
  server.listen(0, '127.0.0.1', 1_024);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    acknowledged,
    seen,
    counts,
    repair: () => {
      isRepaired = true;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** The request id in the envelope; `undefined` when the sender was killed during its request. */
async function requestIdIn(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of request) chunks.push(chunk);
  } catch {
    return undefined;
  }
  const { request_context } = JSON.parse(Buffer.concat(chunks).toString()) as { request_context: { request_id: string } };
  return request_context.request_id;
}

function reply(response: ServerResponse, fault: Fault | undefined): void {
  switch (fault) {
    case undefined:
      response.writeHead(200).end();
      return;
    case 'answers 500':
      response.writeHead(500).end();
      return;
    case 'drops':
      response.destroy();
      return;
    case 'hangs':
      return;
    case 'acknowledges and resets':
      // The sender sees either the answer or the reset.
      response.writeHead(200, { 'content-length': '2' }).end('{}', () => response.socket?.resetAndDestroy());
  }
}
