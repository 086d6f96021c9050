import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { indentJson, jsonWith, memberText } from '#src/core/json/json-parts.ts';
import { problemsOf } from '#src/core/text/problems.ts';
import type { Call } from '../call.ts';
import { usageProblem } from '../problem.ts';
import { readStdinText } from './payload.ts';

/** The file that `sequent pull` writes and `sequent run` executes: one attempt of an invocation, without secrets. */
const eventFileSchema = z.strictObject({
  format: z.literal('sequent-event/1'),
  function: z.string(),
  project: z.string(),
  qualifier: z.string().default('latest'),
  version: z.string().default('latest'),
  requestId: z.string(),
  attempt: z.int().min(1),
  /** The payload as JSON. A payload that is no JSON is the text in `payload`. */
  event: z.unknown().optional(),
  payload: z.string().optional(),
  /** The headers of the request, as NATS carries them. */
  headers: z.record(z.string(), z.string()).default({}),
  context: z.strictObject({
    functionUrn: z.string(),
    timeoutInMs: z.number(),
    memoryInMb: z.number(),
    userData: z.record(z.string(), z.string()).default({}),
    /** The names of the secret user data, whose values no command prints. */
    secretUserData: z.array(z.string()).default([]),
    traceparent: z.string().optional(),
    /** What ran: the export and the initializer, and the path of the file in its package. */
    handler: z.strictObject({ file: z.string(), export: z.string(), initializer: z.string().optional() }).optional(),
  }),
  /** What happened to this attempt. `run` ignores it. */
  recorded: z.looseObject({}).optional(),
});
/** `event` is the JSON text as it is written, with its numbers beyond 2^53. */
export type EventFile = Omit<z.infer<typeof eventFileSchema>, 'event'> & { event?: string | undefined };

/** Reads an event file, or stdin for `-`. Throws when it is none. */
export async function readEventFile(path: string, call: Pick<Call, 'terminal' | 'options'>): Promise<EventFile> {
  const text = path === '-' ? await readStdinText(call) : await readFile(path, 'utf8').catch(unreadable(path));
  const parsed = eventFileSchema.safeParse(parseText(text, path));
  if (parsed.success) return { ...parsed.data, event: memberText(text, 'event') };
  throw notAnEvent(path, problemsOf(parsed.error), parsed.error);
}

/** The text of an event file. */
export function encodeEventFile({ event, ...file }: EventFile): string {
  return `${indentJson(jsonWith(file, 'event', event))}\n`;
}

/** The text that the handler's event is parsed from. */
export function payloadOf({ event = '', payload }: Pick<EventFile, 'event' | 'payload'>): string {
  return payload ?? event;
}

function parseText(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw notAnEvent(path, (cause as Error).message, cause);
  }
}

function unreadable(path: string): (cause: unknown) => never {
  return (cause) => {
    throw usageProblem('the event file cannot be read', `${path}: ${(cause as Error).message}`, 'sequent pull <id>, which writes one');
  };
}

function notAnEvent(path: string, why: string, cause: unknown): Error {
  const remedy = 'sequent pull <id>, which writes one; or the event itself: -d @event.json';
  const problem = usageProblem('this is no event file of sequent pull', `${path}: ${why}`, remedy);
  problem.cause = cause;
  return problem;
}
