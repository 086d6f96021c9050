import type { Hono } from 'hono';
import { systemClock } from '#src/core/ports/clock.ts';
import type { Gateway, GatewayEnv } from '../ports.ts';

const ANSWER_WITHIN_MS = 2_000;

/** The probes: `/healthz` (the process runs) and `/readyz` (the gateway can accept requests). Neither needs a credential. */
export function addHealth(app: Hono<GatewayEnv>, { client, isConnected }: Pick<Gateway, 'client' | 'isConnected'>): void {
  app.get('/healthz', (call) => call.json({ status: 'ok' }));

  app.get('/readyz', async (call) => {
    if (!isConnected()) return call.json({ status: 'not ready', why: 'NATS is not connected' }, 503);
    const isReady = await Promise.race([logAnswers(client), systemClock.sleep(ANSWER_WITHIN_MS).then(() => false)]);
    return isReady ? call.json({ status: 'ready' }) : call.json({ status: 'not ready', why: 'the streams do not answer' }, 503);
  });
}

function logAnswers({ lastSequence }: Pick<Gateway['client'], 'lastSequence'>): Promise<boolean> {
  return lastSequence().then(
    () => true,
    () => false,
  );
}
