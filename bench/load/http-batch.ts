import { request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { SequentClient } from '#src/client/client.ts';
import type { Report } from '../measure/report.ts';

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

type CompletionOptions = Pick<BatchOptions, 'url' | 'token' | 'client' | 'name' | 'lines'> & {
  /** The destination of the completion. */
  told: string;
};

/** Measures how long a batch takes from its first line to its completion, and counts the deliveries to its destination. */
export async function measureCompletion(report: Report, { url, token, client, name, lines, told }: CompletionOptions): Promise<void> {
  const body = Buffer.from('{"k":"v"}\n'.repeat(lines));
  const destination = { destination: 'FunctionGraph', param: { func_urn: `urn:fss:local:default:function:default:${told}` } };
  const query = new URLSearchParams({ on_complete: JSON.stringify([destination]) });
  const startedAt = performance.now();
  const id = await postBatch(`${url}?${query}`, { token, body, lines });
  for (;;) {
    const { batches } = await client.history.batches({ id, function: name });
    if (batches[0]?.state === 'notified') break;
    await delay(200);
  }
  report.rate(`a batch of ${lines} lines, until its destination is told`, lines / ((performance.now() - startedAt) / 1_000));
  const { invocations } = await client.history.list({ function: told });
  const counts = invocations.length === 1 ? await client.history.get(invocations[0]?.id ?? '', { function: told }) : undefined;
  report.check('the destination of the batch is told', invocations.length, { max: 1 });
  const envelope = JSON.parse(counts?.payload ?? '{}') as { response_payload?: string };
  const { members = 0 } = JSON.parse(envelope.response_payload ?? '{}') as { members?: number };
  report.check('members in what the destination is told', members, { min: lines });
}

async function rateOf(count: number, accept: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await accept();
  return count / ((performance.now() - startedAt) / 1_000);
}

type BatchEnd = { type?: string; accepted?: number; batch?: string };

/** Resolves to the id of the batch. Throws unless every line is accepted. */
function postBatch(url: string, { token, body, lines }: { token: string; body: Buffer; lines: number }): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', headers: { 'x-auth-token': token, 'content-length': body.length } }, (reply) => {
      let text = '';
      reply.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      reply.on('end', () => {
        const end = text.trimEnd().split('\n').at(-1) ?? '';
        const { type, accepted, batch = '' } = reply.statusCode === 200 ? (JSON.parse(end) as BatchEnd) : {};
        if (type === 'end' && accepted === lines) resolve(batch);
        else reject(new Error(`the batch was not accepted: ${end}`));
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
