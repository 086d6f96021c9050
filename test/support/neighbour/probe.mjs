import { setTimeout as delay } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';

/*
 * What the victim does meanwhile, in a thread of its own: an invocation that waits for its result, every few milliseconds. The message
 * `{ least }` is answered with the beats since the last answer, as soon as there are as many; `stop` ends the thread.
 */

const { url, token, fn, everyInMs } = workerData;
let times = [];
let failures = [];
let wanted;
parentPort.on('message', ({ least }) => {
  wanted = least;
});
parentPort.ref();

async function beat() {
  const startedAt = performance.now();
  try {
    const reply = await fetch(`${url}/api/functions/${fn}/invocations`, {
      method: 'POST',
      headers: { 'x-auth-token': token, 'content-type': 'application/json', prefer: 'wait=30' },
      body: '{"name":"probe"}',
    });
    const text = await reply.text();
    if (reply.status !== 200) failures.push(`${reply.status} ${text.slice(0, 200)}`);
  } catch (error) {
    failures.push(String(error.cause ?? error));
  }
  times.push(performance.now() - startedAt);
}

for (;;) {
  await beat();
  if (times.length >= (wanted ?? Number.POSITIVE_INFINITY)) {
    parentPort.postMessage({ times, failures });
    times = [];
    failures = [];
    wanted = undefined;
  }
  await delay(everyInMs);
}
