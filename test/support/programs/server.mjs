import { createServer } from 'node:http';

/* An HTTP function: answers with what it received. Paths: /fail answers 503, /binary answers bytes that are no text. */

const port = process.env.PORT === undefined ? 8_000 : Number(process.env.PORT);
const answers = {
  '/fail': [503, { 'retry-after': '7' }, 'not now'],
  '/binary': [200, {}, Buffer.from([0xff, 0xfe])],
};
createServer(async (request, response) => {
  const body = Buffer.concat(await request.toArray()).toString();
  process.stdout.write(`${request.method} ${request.url}\n`);
  const { method, url, headers } = request;
  const received = JSON.stringify({ method, url, headers, body, port, pid: process.pid });
  const [status, more, content] = answers[url] ?? [200, { 'x-own': 'yes' }, received];
  response.writeHead(status, more).end(content);
}).listen(port, '127.0.0.1');
