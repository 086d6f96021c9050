import { ErrorCode, type JetStreamClient, type JetStreamManager, NatsError } from 'nats';
import { expect, test } from 'vitest';
import { readLog } from '#src/judge/collect.ts';

const noResponders = () => Promise.reject(new NatsError('no responders', ErrorCode.NoResponders));
const message = {
  seq: 7,
  subject: 'invoke.f',
  reply: '$JS.ACK.INVOCATIONS.c.1.7.1.1700000000000000000.0',
  headers: undefined,
  info: { deliverySequence: 1, pending: 0 },
  string: () => '{}',
};

/** A cluster that answers neither the first question for a message, nor the first pull. */
function electing(): { manager: JetStreamManager; jetstream: JetStreamClient; asked: string[] } {
  const asked: string[] = [];
  const once = <Answer>(question: string, answer: () => Promise<Answer>): Promise<Answer> => {
    asked.push(question);
    return asked.filter((one) => one === question).length === 1 ? noResponders() : answer();
  };
  const manager = {
    streams: { getMessage: () => once('message', async () => ({ seq: 7 })) },
    consumers: { add: async () => ({ num_pending: 1 }) },
  };
  const fetch = () =>
    once('pull', async () =>
      (async function* () {
        yield message;
      })(),
    );
  const jetstream = { consumers: { getPullConsumerFor: () => ({ fetch }) } };
  return { manager: manager as unknown as JetStreamManager, jetstream: jetstream as unknown as JetStreamClient, asked };
}

test('the judge reads the log again that a cluster did not answer for during an election', async () => {
  const source = electing();
  expect((await readLog(source)).map(({ sequence }) => sequence)).toEqual([7]);
  expect(source.asked).toEqual(['message', 'message', 'pull', 'pull']);
});
