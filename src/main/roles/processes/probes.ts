import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { InvalidInputError, messageOf } from '#src/core/errors.ts';
import type { Readiness } from './readiness.ts';

export interface Probes {
  readonly port: number;
  /** Until the roles run, the process is not ready. */
  setReadiness(readiness: Readiness): void;
  close(): void;
}

/**
 * Serves `/healthz` (the process runs) and `/readyz` (its roles can work) of this process, for the supervisor that started it. Both need
 * no credential, and say nothing about invocations.
 *
 * Throws `InvalidInputError` when the address cannot be used.
 */
export async function serveProbes({ host, port }: { host: string; port: number }): Promise<Probes> {
  let whyNotReady: Readiness = async () => 'it is starting';
  const server = createServer((request, response) => {
    const path = request.url?.split('?')[0];
    if (path === '/healthz') return answer(response, 200, { status: 'ok' });
    if (path !== '/readyz') return answer(response, 404, { status: 'not found', why: 'the probes are /healthz and /readyz' });
    void whyNotReady().then((why) =>
      why === undefined ? answer(response, 200, { status: 'ready' }) : answer(response, 503, { status: 'not ready', why }),
    );
  });
  server.listen(port, host);
  await once(server, 'listening').catch((cause: unknown) => {
    throw new InvalidInputError(
      { field: `the address of the probes ${host}:${port}`, problem: `cannot be used: ${messageOf(cause)}` },
      { cause },
    );
  });
  return {
    port: (server.address() as AddressInfo).port,
    setReadiness(readiness) {
      whyNotReady = readiness;
    },
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' }).end(JSON.stringify(body));
}
