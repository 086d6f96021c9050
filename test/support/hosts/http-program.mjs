import { createServer } from 'node:http';
import { contextOf, loadFunction, messageOf, printed } from './custom-program.mjs';
import { runHandler } from './outcome.mjs';

/** Serves the functions of a file as an HTTP function does: a request is an execution, and a failure is a status. `bootstraps.ts` places it. */
export async function serve(url) {
  const { handler, failure } = await loadFunction(url);
  if (failure !== undefined) {
    await printed();
    process.exit(1);
  }
  const server = createServer(async (request, response) => {
    const text = Buffer.concat(await request.toArray()).toString();
    const { payload, failure } = await runHandler(handler, text, contextOf(request.headers['x-cff-request-id'], 1));
    await printed();
    if (failure === undefined) return response.end(payload);
    const { retryAfterInMs } = failure;
    response.writeHead(500, retryAfterInMs === undefined ? {} : { 'Retry-After': retryAfterInMs / 1_000 }).end(messageOf(failure));
  });
  server.listen(Number(process.env.PORT), '127.0.0.1');
}
