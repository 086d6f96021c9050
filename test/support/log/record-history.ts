import { writeFile } from 'node:fs/promises';
import { connectClient } from '#src/client/client.ts';
import { NO_APPENDS } from '#src/core/log/event-log.ts';
import { requestHeader } from '#src/core/log/request-messages.ts';
import { streamOf } from '#src/core/names/ids.ts';
import { type FunctionName, parseRequestId } from '#src/core/names/names.ts';
import { subjects } from '#src/core/names/subjects.ts';
import { foldAppends, initialState } from '#src/core/stream/stream.ts';
import { fullEntryOf } from '#src/nats/wire/full-entry.ts';
import { readMessage, readNextBySubject, type StoredMessage } from '#src/nats/wire/stored-messages.ts';
import { summaryOf } from './recorded-histories.ts';

/*
 * node --import tsx test/support/log/record-history.ts <nats> <request id> <name>: records the stream of an invocation of a running Sequent
 * as test/histories/<name>.json, byte for byte. Each new shape of a fact needs one recording, which is never changed afterwards.
 */

const [servers = '', id = '', file = ''] = process.argv.slice(2);
await using client = await connectClient({ servers });
const { connection } = client;
const { function: token, transitions } = await client.timeline(id);
const name = { function: token as FunctionName, stream: streamOf(parseRequestId(id)) };
const request = await readMessage(connection, transitions[0]?.sequence ?? 0);
const entry = request === undefined ? undefined : fullEntryOf(request, () => true);
if (request === undefined || entry?.kind !== 'request') throw new Error(`the log does not hold the request of ${id}`);

const appends: StoredMessage[] = [];
for (let from: number = NO_APPENDS + 1; ; ) {
  const next = await readNextBySubject(connection, { from, subject: subjects.invocation(name) });
  if (next === undefined) break;
  appends.push(next);
  from = next.sequence + 1;
}
const recorded = appends.map((one) => fullEntryOf(one, () => true)).flatMap((one) => (one.kind === 'append' ? [one.append] : []));
const { invocations } = foldAppends(initialState(entry.message), recorded);
const headers = Object.values(requestHeader).map((key) => [key, request.headers?.get(key) ?? '']);
const recording = {
  request: {
    sequence: request.sequence,
    at: request.at,
    token,
    headers: Object.fromEntries(headers.filter(([, value]) => value !== '')),
    payload: Buffer.from(request.data).toString(),
  },
  appends: appends.map(({ sequence, data }) => ({ sequence, append: JSON.parse(Buffer.from(data).toString()) as unknown })),
  states: Object.fromEntries([...invocations].map(([key, invocation]) => [key, summaryOf(invocation)])),
};
await writeFile(new URL(`../histories/${file}.json`, import.meta.url), `${JSON.stringify(recording, null, 2)}\n`);
