import { randomBytes } from 'node:crypto';
import { createRequests } from '#src/client/invoke/requests.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import { createLargePayloads } from '#src/core/payloads/large-payloads.ts';
import { MAX_LARGE_PAYLOAD_BYTES } from '#src/core/payloads/payload-reference.ts';
import { createNatsPayloadStore } from '#src/nats/payload-store.ts';
import type { Publisher } from '#src/nats/transport/publisher.ts';
import { openNats } from '#test/support/nats/opened-nats.ts';
import { eventOf } from './large-event.ts';

/*
 * A client in a process of its own that kills itself when it sends a large payload.
 *
 * Arguments: the address of NATS, the point, and the id of the request.
 */

const [url = '', point = '', id = ''] = process.argv.slice(2);

/** Ends the process at once, as SIGKILL from outside does. */
function die(): never {
  process.kill(process.pid, 'SIGKILL');
  throw new Error('the process was killed');
}

const { connection, ports } = await openNats(url);
let published = 0;
const publisher: Publisher = {
  ...ports.publisher,
  async publish(...args) {
    const answer = await ports.publisher.publish(...args);
    if (point === 'in the upload' && ++published === 2) die();
    return answer;
  },
};
const requests = createRequests({
  log: { maxAppendBytes: 1_000_000, accept: async (...args) => (point === 'before the request' ? die() : await ports.log.accept(...args)) },
  clock: ports.clock,
  random: { bytes: randomBytes },
  maxBatch: () => 1,
  large: {
    ...createLargePayloads({ store: createNatsPayloadStore({ connection, publisher, clock: ports.clock }) }),
    maxBytesOf: () => MAX_LARGE_PAYLOAD_BYTES,
  },
});
await requests.send('import' as FunctionName, { payload: eventOf(1_500_000, 'qzxwjane'), id });
