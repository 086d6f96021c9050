import { request } from 'node:http';
import type { SequentClient } from '#src/client/client.ts';
import type { Report } from './report.ts';

type BatchOptions = {
  /** The batches of a function, and the token of the caller. */
  url: string;
  token: string;
  client: SequentClient;
  name: string;
  lines: number;
  rounds: number;
};

/**
 * Measures how fast one batch over HTTP is accepted, in relation to one call of `client.invokeMany` with as many events.
 *
 * Both take turns, and both put several events into one message. The first round warms both up and does not count.
 */
export async function measureBatches(report: Report, { url, token, client, name, lines, rounds }: BatchOptions): Promise<void> {
  const events = Array.from({ length: lines }, (_, n) => ({ k: 'v', n }));
  const body = Buffer.from(events.map((event) => `${JSON.stringify(event)}\n`).join(''));
  const measured: { client: number; http: number }[] = [];
  for (let round = 0; round <= rounds; round++) {
    const clientRate = await rateOf(lines, () => client.invokeMany(name, events));
    const httpRate = await rateOf(lines, () => postBatch(url, { token, body, lines }));
    if (round > 0) measured.push({ client: clientRate, http: httpRate });
  }
  const medianOf = (values: number[]): number => values.sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? Number.NaN;
  report.rate(`client.invokeMany, ${lines} events`, medianOf(measured.map((one) => one.client)));
  report.rate(`one batch over HTTP, ${lines} lines`, medianOf(measured.map((one) => one.http)));
  const ratio = medianOf(measured.map((one) => one.http / one.client));
  report.check('one batch over HTTP / client.invokeMany', ratio, { min: 0.6 });
}

async function rateOf(count: number, accept: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await accept();
  return count / ((performance.now() - startedAt) / 1_000);
}

/** Throws unless every line is accepted. */
function postBatch(url: string, { token, body, lines }: { token: string; body: Buffer; lines: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', headers: { 'x-auth-token': token, 'content-length': body.length } }, (reply) => {
      let text = '';
      reply.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      reply.on('end', () => {
        const end = text.trimEnd().split('\n').at(-1) ?? '';
        if (reply.statusCode === 200 && end.includes(`"type":"end","accepted":${lines},`)) resolve();
        else reject(new Error(`the batch was not accepted: ${end}`));
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
