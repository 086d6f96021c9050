import { randomUUID } from 'node:crypto';
import { serve } from '@hono/node-server';
import { Hono } from 'hono';

/** The smallest hono handler for such a request: parses the body and answers with an id. Sends its address to the parent process. */
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
