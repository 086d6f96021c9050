import { z } from 'zod';
import { FACTS_VERSION, factSchema } from '#machines/facts.ts';
import type { RecordedAppend, StreamName, StreamVersion } from '#src/core/log/event-log.ts';
import { foldAppends, initialState, type StreamState } from '#src/core/stream/stream.ts';

/**
 * What a hint tells of the stream that it is about. It may be behind the log: then the first append, which expects its
 * version, is refused, and the log is read (E3).
 */
export const inlineStateSchema = z.object({
  /** The version of the facts. Version 0.1 did not write it. */
  v: z.int().default(1),
  version: z.number().int().positive(),
  at: z.number(),
  payload: z.string(),
  facts: z.array(factSchema).min(2),
});
export type InlineState = z.infer<typeof inlineStateSchema>;

/** What is larger is read from the log: the hint stays in the log for ever. */
const MOST_CHARACTERS = 4_096;
const MOST_FACTS = 8;

/** A stream of one invocation, told in a hint: its request, then all facts about it. `undefined` for one that is too large. */
export function inlineStateOf(state: StreamState | undefined): InlineState | undefined {
  const [only, ...others] = state?.request.requests ?? [];
  if (state === undefined || only === undefined || others.length > 0 || only.defect !== undefined) return undefined;
  const facts = [only.fact, ...state.facts];
  const size = facts.reduce((sum, fact) => sum + ('payload' in fact ? fact.payload.length : 0) + ('output' in fact ? 4_096 : 0), 0);
  if (facts.length > MOST_FACTS || size + only.payload.length > MOST_CHARACTERS) return undefined;
  return { v: FACTS_VERSION, version: state.version, at: state.request.at, payload: only.payload, facts };
}

/** `undefined` when the hint tells nothing that can be used: the log is read then, whose facts are lifted to the present version. */
export function stateOf(name: StreamName, sequence: number, { v, version, at, payload, facts }: InlineState): StreamState | undefined {
  const [fact, ...rest] = facts;
  if (v !== FACTS_VERSION || fact?.type !== 'queued') return undefined;
  const append: RecordedAppend = {
    id: '',
    previous: 0 as StreamVersion,
    request: sequence,
    by: '',
    facts: rest,
    version: version as StreamVersion,
  };
  return foldAppends(initialState({ name, sequence, at, requests: [{ fact, payload }] }), [append]);
}
