import { isPortFree } from '#src/main/nats-server/launch.ts';

/** Below the ports that Linux gives to outgoing connections and to listeners without a chosen port, from 32,768. */
const PORTS = { from: 20_000, to: 32_000 };
const RANGE = 1_000;

type Range = { from: number; to: number };

/** `undefined` before the first call. The start is random, so that two runs on one machine rarely meet. */
let next: number | undefined;

/**
 * A free port of loopback, for a server that cannot choose one itself, or that ends and starts again. No outgoing connection, no other worker
 * of this run and no other call in this process takes the port meanwhile.
 */
export async function freePort(): Promise<number> {
  const { from, to } = portsOf(process.env);
  for (;;) {
    const port = next ?? from + Math.floor(Math.random() * RANGE);
    next = port + 1 === to ? from : port + 1;
    if (await isPortFree(port)) return port;
  }
}

/**
 * The ports of a worker of vitest, or of a process that a worker started. Vitest numbers the workers that run at one moment over all projects.
 * The process of vitest itself, and one without vitest, count as worker 0.
 */
export function portsOf({ VITEST_POOL_ID = '0' }: Readonly<Record<string, string | undefined>>): Range {
  const from = PORTS.from + ((Number(VITEST_POOL_ID) * RANGE) % (PORTS.to - PORTS.from));
  return { from, to: from + RANGE };
}
