import { z } from 'zod';
import { FACTS_VERSION, factSchema } from '#machines/facts.ts';
import type { RecordedAppend, StreamName, StreamVersion } from '#src/core/log/event-log.ts';
import { foldAppends, initialState, type StreamState } from '#src/core/stream/stream.ts';

/**
 * The state of a stream inside a hint, so that a deliverer need not read the log.
 *
 * The state may be older than the log. The deliverer's first append then expects a stale version and is refused, and the deliverer reads
 * the log (E3).
 */
const inlineStateSchema = z.object({
  /** The version of the facts. */
  v: z.int(),
  version: z.number().int().positive(),
  /** The hash of the last accepted message (LINK1). */
  head: z.string(),
  at: z.number(),
  payload: z.string(),
  facts: z.array(factSchema).min(2),
});
export type InlineState = z.infer<typeof inlineStateSchema>;

/** Limits of an inline state. Hints stay in the log until they are purged, so a larger state is read from the log instead. */
const MAX_CHARACTERS = 4_096;
const MAX_FACTS = 8;

/**
 * Returns the state of a stream as a hint carries it: the request, then all facts. Returns `undefined` when the state exceeds the limits,
 * when the stream has several invocations, and when the request is defective.
 */
export function inlineStateOf(state: StreamState | undefined): InlineState | undefined {
  const [only, ...others] = state?.request.requests ?? [];
  if (state === undefined || only === undefined || others.length > 0 || only.defect !== undefined) return undefined;
  const facts = [only.fact, ...state.facts];
  const size = facts.reduce((sum, fact) => sum + ('payload' in fact ? fact.payload.length : 0) + ('output' in fact ? 4_096 : 0), 0);
  if (facts.length > MAX_FACTS || size + only.payload.length > MAX_CHARACTERS) return undefined;
  return { v: FACTS_VERSION, version: state.version, head: state.head, at: state.request.at, payload: only.payload, facts };
}

/**
 * Parses and folds the state that a hint carries. Returns `undefined` for what is no state, and for facts of another version: the deliverer
 * then reads the log, whose facts are converted to the current version.
 */
export function readInlineState(name: StreamName, sequence: number, known: unknown): StreamState | undefined {
  const parsed = inlineStateSchema.safeParse(known);
  return parsed.success ? stateOf(name, sequence, parsed.data) : undefined;
}

function stateOf(name: StreamName, sequence: number, { v, version, head, at, payload, facts }: InlineState): StreamState | undefined {
  const [fact, ...rest] = facts;
  if (v !== FACTS_VERSION || fact?.type !== 'queued') return undefined;
  const append: RecordedAppend = {
    id: '',
    previous: 0 as StreamVersion,
    request: sequence,
    by: '',
    facts: rest,
    version: version as StreamVersion,
    hash: '',
  };
  // The hash of the request is unknown. The head of the stream replaces it.
  return { ...foldAppends(initialState({ name, sequence, at, hash: '', requests: [{ fact, payload }] }), [append]), head };
}
