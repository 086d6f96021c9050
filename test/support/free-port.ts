import { isPortFree } from '#src/main/nats-server/launch.ts';

/** Below the ports that Linux gives to outgoing connections and to listeners without a chosen port, from 32,768. */
const PORTS = { from: 20_000, to: 32_000 };
let next = PORTS.from + Math.floor(Math.random() * (PORTS.to - PORTS.from));

/**
 * A free port of loopback, for a server that cannot choose one itself, or that ends and starts again. No outgoing connection takes the port
 * meanwhile, and no other call in this process returns it.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = next++;
    if (next === PORTS.to) next = PORTS.from;
    if (await isPortFree(port)) return port;
  }
}
