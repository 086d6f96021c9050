import { z } from 'zod';
import type { Invocation } from '#machines/invocation.ts';
import { statusOf } from '#machines/status.ts';
import type { History } from '#src/analysis/history.ts';
import type { RecordedAppend, RequestMessage } from '#src/core/log/event-log.ts';
import { decodeRequest } from '#src/core/log/requests/request-messages.ts';
import { isFunctionName, NO_FUNCTION } from '#src/core/names/names.ts';
import { foldAppends, initialState } from '#src/core/stream/stream.ts';
import { decodeAppend } from '#src/nats/wire/codec.ts';

/**
 * A golden history: one stream of the log byte for byte, and the states that its invocations had when it was recorded.
 *
 * 1. A file is written once, and never changed. Every later version must fold it to the same states.
 * 2. It needs neither a server nor the code of the function.
 */
export const goldenSchema = z.object({
  request: z.object({
    sequence: z.number(),
    at: z.number(),
    token: z.string(),
    headers: z.record(z.string(), z.string()),
    payload: z.string(),
  }),
  appends: z.array(z.object({ sequence: z.number(), append: z.unknown() })),
  states: z.record(z.string(), z.record(z.string(), z.unknown())),
});
export type GoldenHistory = z.infer<typeof goldenSchema>;

/** What the installed version makes of a golden history. `unreadable` are the sequences of appends that it cannot read. */
export type FoldedGolden = {
  message: RequestMessage;
  appends: readonly RecordedAppend[];
  states: Record<string, object>;
  histories: History[];
  unreadable: number[];
};

/** Throws `NewerFactsError` when a newer version recorded the history. */
export function foldGolden({ request, appends }: Pick<GoldenHistory, 'request' | 'appends'>): FoldedGolden {
  const { token, headers, payload, sequence, at } = request;
  const target = { function: isFunctionName(token) ? token : NO_FUNCTION, token };
  const reader = { get: (name: string) => headers[name] ?? '' };
  const message = decodeRequest(target, { data: Buffer.from(payload), headers: reader, sequence, at, isOwn: true });
  const read: RecordedAppend[] = [];
  const unreadable: number[] = [];
  for (const one of appends) {
    const append = decodeAppend(Buffer.from(JSON.stringify(one.append)), one.sequence);
    if (append === undefined) unreadable.push(one.sequence);
    else read.push(append);
  }
  const { invocations } = foldAppends(initialState(message), read);
  const states = Object.fromEntries([...invocations].map(([id, invocation]) => [id, goldenStateOf(invocation)]));
  return { message, appends: read, states, histories: historiesOf(message, read), unreadable };
}

/** The final state of an invocation, as far as a person or a program sees it. */
function goldenStateOf(invocation: Invocation): object {
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

function historiesOf({ requests, sequence }: RequestMessage, appends: readonly RecordedAppend[]): History[] {
  return requests.map(({ fact }) => ({
    requestId: fact.invocation,
    function: fact.function,
    transitions: [
      { sequence, by: 'client', fact },
      ...appends.flatMap(({ version, by, facts }) =>
        facts.filter(({ invocation }) => invocation === fact.invocation).map((one) => ({ sequence: version, by, fact: one })),
      ),
    ],
  }));
}
