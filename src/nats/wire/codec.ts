import type { MsgHdrs } from 'nats';
import { z } from 'zod';
import { FACTS_VERSION, factSchema } from '#machines/facts.ts';
import { NewerFactsError } from '#src/core/errors.ts';
import { parseJson } from '#src/core/json/json.ts';
import { hashOfAppend, type ShortLink } from '#src/core/log/chain.ts';
import { compileOnUse } from '#src/core/log/compile-on-use.ts';
import type { Append, RecordedAppend, StreamVersion, WakeTimes } from '#src/core/log/event-log.ts';
import { type HeaderReader, requestHeader } from '#src/core/log/requests/request-messages.ts';
import { released, type Upcasting, upcast } from './upcasters.ts';
import { asciiHeaders } from './wire-headers.ts';

/** The wire format of appends. Every append that is read passes the schema here. The format of requests is in the core. */

/** The headers of Sequent's messages. `Held-Since` is older than the name that the code has for it. */
export const header = {
  ...requestHeader,
  expected: 'Nats-Expected-Last-Subject-Sequence',
  dueAt: 'Due-At',
  endsAt: 'Ends-At',
  deliverAt: 'Deliver-At',
  inProgressSince: 'Held-Since',
  hintSignature: 'Hint-Signature',
  link: 'Link',
  waitsFor: 'Waits-For',
} as const;

export const appendSchema = z.object({
  v: z.literal(FACTS_VERSION),
  id: z.string(),
  previous: z.number(),
  request: z.number(),
  by: z.string(),
  facts: z.array(factSchema),
  link: z.string().optional(),
});
const compiledSchema = compileOnUse(appendSchema);

/** The fields are named, because V8 copies the fields of an object slowly. */
export function encodeAppend({ id, previous, request, by, facts, link }: Append): Buffer {
  return Buffer.from(JSON.stringify({ v: FACTS_VERSION, id, previous, request, by, facts, link }));
}

const wakeTimeHeaders = {
  dueAt: header.dueAt,
  endsAt: header.endsAt,
  deliverAt: header.deliverAt,
  inProgressSince: header.inProgressSince,
} as const;
const wakeTimeKeys = Object.keys(wakeTimeHeaders) as (keyof typeof wakeTimeHeaders)[];

/** The values are numbers, base64url and percent-encoded keys, so the text is ASCII without a line break (U1). */
export function appendHeaders(previous: StreamVersion, wakeTimes: WakeTimes, link?: ShortLink): MsgHdrs {
  let text = `${header.expected}: ${previous}\r\n`;
  if (link !== undefined) text += `${header.link}: ${link.previous}/${link.own}\r\n`;
  for (const key of wakeTimeKeys) {
    const moment = wakeTimes[key];
    if (moment !== undefined) text += `${wakeTimeHeaders[key]}: ${moment}\r\n`;
  }
  if (wakeTimes.waitsFor !== undefined) text += `${header.waitsFor}: ${wakeTimes.waitsFor}\r\n`;
  return asciiHeaders(text);
}

/** The fields that an append has in every version. */
const versionedSchema = z.looseObject({ v: z.int(), facts: z.array(z.looseObject({})).optional() });

/**
 * Decodes an append, and converts facts of earlier versions to the current version. Returns `undefined` when the bytes are no append.
 *
 * `data` is a text if the caller has decoded the bytes already. Throws `NewerFactsError` for a version that this process does not know,
 * because a decision without these facts would use a wrong state.
 */
export function decodeAppend(data: Uint8Array | string, sequence: number, upcasting = released): RecordedAppend | undefined {
  const written = parseJson(typeof data === 'string' ? data : Buffer.from(data.buffer, data.byteOffset, data.length).toString());
  const read = compiledSchema().safeParse(written).data ?? readOtherVersion(written, sequence, upcasting);
  if (read === undefined) return undefined;
  const { id, previous, request, by, facts, link } = read;
  // The fields are named, because V8 11 keeps an object that begins with a spread slow (docs/performance.md V4).
  return {
    id,
    previous: previous as StreamVersion,
    request,
    by,
    facts: facts as RecordedAppend['facts'],
    link,
    version: sequence as StreamVersion,
    hash: hashOfAppend(data),
  };
}

/** Decodes an append of an earlier version. Called only when the current schema refuses the value, so the usual append is parsed once. */
function readOtherVersion(written: unknown, sequence: number, upcasting: Upcasting): z.infer<typeof appendSchema> | undefined {
  const found = versionedSchema.safeParse(written);
  if (!found.success) return undefined;
  const { v: version, facts = [], ...append } = found.data;
  if (version > FACTS_VERSION) throw new NewerFactsError({ sequence, version, known: FACTS_VERSION });
  if (version === FACTS_VERSION || version < upcasting.oldest) return undefined;
  const current = facts.map((fact) => upcast(fact, version, upcasting));
  return compiledSchema().safeParse({ ...append, v: FACTS_VERSION, facts: current }).data;
}

/** The short link of an append, from its headers. */
export function decodeLink(headers: HeaderReader | undefined): ShortLink | undefined {
  const [previous = '', own = ''] = (headers?.get(header.link) ?? '').split('/');
  return previous === '' || own === '' ? undefined : { previous, own };
}

export function decodeWakeTimes(headers: HeaderReader | undefined): WakeTimes {
  const wakeTimes: WakeTimes = {};
  for (const key of wakeTimeKeys) {
    const moment = headers?.get(wakeTimeHeaders[key]) ?? '';
    if (moment !== '') wakeTimes[key] = Number(moment);
  }
  const waitsFor = headers?.get(header.waitsFor) ?? '';
  if (waitsFor !== '') wakeTimes.waitsFor = waitsFor;
  return wakeTimes;
}
