import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';

/*
 * The least that a server of the API of custom runtimes does in Node.js: it gives an empty event to each poll and accepts each answer, without a
 * worker, checks, limits or output. Starts the program of the first argument, with the second one as `GOMAXPROCS`. A line of standard input is a
 * number of events; a line of output says that the program polls for one more.
 */

let left = 0;
let poll;
const server = createServer((request, response) => {
  response.sendDate = false;
  response.setHeader('Content-Type', 'application/json');
  if (request.method === 'GET') {
    poll = response;
    giveEvent();
  } else request.resume().on('end', () => response.end('{"status":"OK"}'));
});
server.listen(0, '127.0.0.1', () => {
  const [, , file, processors] = process.argv;
  const env = { RUNTIME_API_ADDR: `127.0.0.1:${server.address().port}`, ...(processors === undefined ? {} : { GOMAXPROCS: processors }) };
  const program = spawn(file, { env, stdio: ['ignore', 'ignore', 'inherit'] });
  createInterface(process.stdin)
    .on('line', (line) => {
      left = Number(line);
      giveEvent();
    })
    .on('close', () => {
      program.kill('SIGKILL');
      process.exit(0);
    });
});

function giveEvent() {
  if (left === 0) return process.stdout.write('polls\n');
  left -= 1;
  poll.setHeader('X-Cff-Request-Id', 'request');
  poll.end('{}');
}
