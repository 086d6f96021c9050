import { Agent, request } from 'node:http';
import { connect } from 'node:net';

/** The program of a custom runtime that cuts off its first answer to each event. It prints how its answers were framed. */

const [host, port] = process.env.RUNTIME_API_ADDR.split(':');
const agent = new Agent({ keepAlive: true });

function ask(method, path, body) {
  return new Promise((resolve, reject) => {
    request({ host, port, agent, method, path: `/v1/runtime/invocation/${path}` }, (response) => {
      response.resume().on('end', () => resolve(response.headers));
    })
      .on('error', reject)
      .end(body);
  });
}

function cutOff(path) {
  return new Promise((resolve) => {
    const socket = connect(port, host, () => {
      socket.end(`POST /v1/runtime/invocation/${path} HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 100\r\n\r\npart`);
    });
    socket.resume().on('close', resolve);
  });
}

let framing;
for (;;) {
  const { 'x-cff-request-id': id } = await ask('GET', 'request');
  if (framing !== undefined) process.stdout.write(`after ${framing}\n`);
  await cutOff(`response/${id}`);
  const headers = await ask('POST', `response/${id}`, 'whole');
  framing = 'content-length' in headers ? 'content-length' : 'chunks';
}
