import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
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
  /** Sends until a moment of `performance.now()`, and pauses while `mayContinue` refuses the next one. Resolves to the number of requests. */
  sendUntil(workload: Workload, until: number, mayContinue: (sent: number) => boolean): Promise<number>;
  /** The milliseconds from a publish to its result at a steady rate, sorted. */
  latencies(functionName: Workload['functionName'], count: number, perSecond: number): Promise<number[]>;
  close(): Promise<void>;
}

/** Whether another request is sent after so many. */
type MayGoOn = (sent: number) => boolean | Promise<boolean>;

/** About 200 bytes, as in the comparison with other systems. */
const FILLER = 'x'.repeat(170);

export async function openFormLoad({ url, http, client }: MeasuredForm): Promise<Load> {
  const connection = await openConnection({ servers: url, name: 'bench-load' });
  const subscriber = await openConnection({ servers: url, name: 'bench-subscriber' });
  const publisher = createPublisher(connection, { timeoutInMs: 60_000 });
  const arrivals = countArrivals(subscriber);
  await subscriber.nats.flush();
  async function sendWhile({ send, functionName, retried }: Workload, mayGoOn: MayGoOn): Promise<number> {
    const every = retried === 0 ? Number.POSITIVE_INFINITY : Math.round(1 / retried);
    const event = (i: number): object => (i % every === 0 && retried > 0 ? { i, fails: true, text: FILLER } : { i, text: FILLER });
    if (send === 'http') return await sendByHttp(http ?? '', functionName, mayGoOn, event);
    const flow = createFlow(IN_FLIGHT);
    let sent = 0;
    for (; await mayGoOn(sent); sent++) {
      await flow.enter();
      const accepted =
        send === 'singles'
          ? publisher.publish(`invoke.${functionName}`, JSON.stringify(event(sent)))
          : client.invoke(functionName, event(sent));
      void accepted.then(flow.leave);
    }
    await flow.empty();
    return sent;
  }
  return {
    arrivals,
    send: (workload) => sendWhile(workload, (i) => i < workload.count).then(() => {}),
    sendUntil: (workload, until, mayContinue) =>
      sendWhile(workload, async (i) => {
        while (!mayContinue(i) && performance.now() < until) await sleep(1);
        return performance.now() < until;
      }),
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
async function sendByHttp(http: string, functionName: string, mayGoOn: MayGoOn, event: (i: number) => object): Promise<number> {
  const { hostname, port, host } = new URL(http);
  let taken = 0;
  let sent = 0;
  const sendAll = async (socket: Socket): Promise<void> => {
    const replies = repliesOf(socket);
    for (let i = taken++; await mayGoOn(i); i = taken++) {
      sent++;
      const body = JSON.stringify(event(i));
      const head = `POST /api/functions/${functionName}/invocations HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\n`;
      socket.write(`${head}Content-Length: ${body.length}\r\n\r\n${body}`);
      const reply = await replies();
      if (!reply.startsWith('HTTP/1.1 202 ')) throw new Error(`the gateway answered ${reply.slice(0, 300)}`);
    }
    socket.destroy();
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, () => sendAll(connect({ host: hostname, port: Number(port), noDelay: true }))));
  return sent;
}
