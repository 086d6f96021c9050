import { readdirSync, readFileSync } from 'node:fs';
import type { Invocation } from '#machines/invocation.ts';
import { statusOf } from '#machines/status.ts';
import type { History } from '#src/analysis/history.ts';
import type { FullLogEntry, RecordedAppend, RequestMessage } from '#src/core/log/event-log.ts';
import { decodeRequest } from '#src/core/log/request-messages.ts';
import { isFunctionName, NO_FUNCTION } from '#src/core/names/names.ts';
import { foldAppends, initialState, wakeTimesOf } from '#src/core/stream/stream.ts';
import { decodeAppend } from '#src/nats/wire/codec.ts';

type Recording = {
  request: { sequence: number; at: number; token: string; headers: Record<string, string>; payload: string };
  appends: { sequence: number; append: unknown }[];
};

const folder = new URL('../../histories/', import.meta.url);

export const recordings = readdirSync(folder);

/** One recorded stream with its messages. */
export function readRecording(file: string): { message: RequestMessage; entries: FullLogEntry[]; histories: History[] } {
  const { request, appends } = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Recording;
  const { token, headers, payload, sequence, at } = request;
  const target = { function: isFunctionName(token) ? token : NO_FUNCTION, token };
  const message = decodeRequest(target, {
    data: Buffer.from(payload),
    headers: { get: (name) => headers[name] ?? '' },
    sequence,
    at,
    isOwn: true,
  });
  const recorded = appends.map((one) => decodeAppend(Buffer.from(JSON.stringify(one.append)), one.sequence)) as RecordedAppend[];
  const entries: FullLogEntry[] = [{ kind: 'request', sequence, at, message }];
  for (const [index, append] of recorded.entries()) {
    const { invocations } = foldAppends(initialState(message), recorded.slice(0, index + 1));
    const wakeTimes = wakeTimesOf(invocations.values());
    entries.push({ kind: 'append', sequence: append.version, at: append.facts[0]?.at ?? at, name: message.name, append, wakeTimes });
  }
  const histories = message.requests.map(({ fact }) => ({
    requestId: fact.invocation,
    function: fact.function,
    transitions: [
      { sequence, by: 'client', fact },
      ...recorded.flatMap(({ version, by, facts }) =>
        facts.filter(({ invocation }) => invocation === fact.invocation).map((one) => ({ sequence: version, by, fact: one })),
      ),
    ],
  }));
  return { message, entries, histories };
}

/** The recorded final state of an invocation. */
export function summaryOf(invocation: Invocation): object {
  const { attempts, retries, lost, outcome, deliveries } = invocation.context;
  const states = Object.entries(deliveries).map(([destination, delivery]) => [destination, delivery.value]);
  const result = outcome?.type === 'succeeded' ? { payload: outcome.payload } : { condition: outcome?.condition };
  return {
    value: invocation.value,
    status: statusOf(invocation),
    attempts,
    retries,
    lost,
    ...result,
    deliveries: Object.fromEntries(states),
  };
}
