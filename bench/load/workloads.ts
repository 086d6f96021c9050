import { connect, type Socket } from 'node:net';
import { openConnection } from '#src/nats/transport/connection/connection.ts';
import { createPublisher } from '#src/nats/transport/publisher.ts';
import type { MeasuredForm } from '../measure/measured-form.ts';
import { type Arrivals, countArrivals } from './arrivals.ts';
import { createFlow, IN_FLIGHT } from './load.ts';
import { repliesOf } from './replies.ts';

/** One kind of work: how many invocations are sent, and how. */
export type Workload = {
  title: string;
  send: 'singles' | 'batches' | 'http';
  functionName: 'flaky' | 'noop' | 'chain';
  count: number;
  /** The share that fails at its first attempt. */
  retried: number;
  /** How many outcomes follow from one request. */
  outcomes: number;
};

/** Sends work to a form, and receives its results on a connection of its own. */
export interface Load {
  readonly arrivals: Arrivals;
  /** Resolves when the server has accepted every request. */
  send(workload: Workload): Promise<void>;
  /** The milliseconds from a publish to its result at a steady rate, sorted. */
  latencies(functionName: Workload['functionName'], count: number, perSecond: number): Promise<number[]>;
  close(): Promise<void>;
}

/** About 200 bytes, as in the comparison with other systems. */
const FILLER = 'x'.repeat(170);

export async function openFormLoad({ url, http, client }: MeasuredForm): Promise<Load> {
  const connection = await openConnection({ servers: url, name: 'bench-load' });
  const subscriber = await openConnection({ servers: url, name: 'bench-subscriber' });
  const publisher = createPublisher(connection, { timeoutInMs: 60_000 });
  const arrivals = countArrivals(subscriber);
  await subscriber.nats.flush();
  return {
    arrivals,
    async send({ send, functionName, count, retried }) {
      const every = retried === 0 ? Number.POSITIVE_INFINITY : Math.round(1 / retried);
      const event = (i: number): object => (i % every === 0 && retried > 0 ? { i, fails: true, text: FILLER } : { i, text: FILLER });
      if (send === 'http') return await sendByHttp(http ?? '', functionName, count, event);
      const flow = createFlow(IN_FLIGHT);
      for (let i = 0; i < count; i++) {
        await flow.enter();
        const accepted =
          send === 'singles'
            ? publisher.publish(`invoke.${functionName}`, JSON.stringify(event(i)))
            : client.invoke(functionName, event(i));
        void accepted.then(flow.leave);
      }
      await flow.empty();
    },
    async latencies(functionName, count, perSecond) {
      const times: number[] = [];
      for (let i = 0; i < count; i++) {
        arrivals.reset(1);
        const at = performance.now();
        void publisher.publish(`invoke.${functionName}`, JSON.stringify({ i, text: FILLER }));
        await arrivals.next();
        times.push(performance.now() - at);
        await new Promise((resolve) => setTimeout(resolve, Math.max(0, 1_000 / perSecond - (performance.now() - at))));
      }
      return times.sort((one, other) => one - other);
    },
    async close() {
      publisher.close();
      await connection.close();
      await subscriber.close();
    },
  };
}

const CONNECTIONS = 64;

/** Sends one request after the other on each of several connections: plain sockets, because an HTTP client costs more than the gateway. */
async function sendByHttp(http: string, functionName: string, count: number, event: (i: number) => object): Promise<void> {
  const { hostname, port, host } = new URL(http);
  let next = 0;
  const sendAll = async (socket: Socket): Promise<void> => {
    const replies = repliesOf(socket);
    for (let i = next++; i < count; i = next++) {
      const body = JSON.stringify(event(i));
      const head = `POST /api/functions/${functionName}/invocations HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\n`;
      socket.write(`${head}Content-Length: ${body.length}\r\n\r\n${body}`);
      const reply = await replies();
      if (!reply.startsWith('HTTP/1.1 202 ')) throw new Error(`the gateway answered ${reply.slice(0, 300)}`);
    }
    socket.destroy();
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, () => sendAll(connect({ host: hostname, port: Number(port), noDelay: true }))));
}
