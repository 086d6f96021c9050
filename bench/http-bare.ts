import { randomUUID } from 'node:crypto';
import { serve } from '@hono/node-server';
import { Hono } from 'hono';

/** The least that hono can do with such a request: parse its body, and answer with an id. Tells its address to whoever forked it. */
const app = new Hono();
app.post('/v2/:project/fgs/functions/:urn/invocations-async', async (call) => {
  await call.req.json();
  return call.json({ request_id: randomUUID() }, 202);
});
const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) => process.send?.(`http://127.0.0.1:${port}`));
process.once('SIGTERM', () => {
  server.close();
  process.exit(0);
});
