import type { MsgHdrs } from 'nats';
import { z } from 'zod';
import { FACTS_VERSION, factSchema } from '#machines/facts.ts';
import type { Append, Attention, RecordedAppend, Version } from '#src/core/event-log.ts';
import { parseJson } from '#src/core/json.ts';
import { type HeaderReader, requestHeader } from '#src/core/request-messages.ts';
import { wireHeaders } from './wire-headers.ts';

/** How appends look on the wire. Everything that is read passes the schema here; requests have theirs in the core. */

/** The headers of Sequent's messages. */
export const header = {
  ...requestHeader,
  expected: 'Nats-Expected-Last-Subject-Sequence',
  dueAt: 'Due-At',
  endsAt: 'Ends-At',
  deliverAt: 'Deliver-At',
  heldSince: 'Held-Since',
} as const;

const appendSchema = z.object({
  v: z.literal(FACTS_VERSION),
  id: z.string(),
  previous: z.number(),
  request: z.number(),
  by: z.string(),
  facts: z.array(factSchema),
});

export function encodeAppend(append: Append): string {
  return JSON.stringify({ v: FACTS_VERSION, ...append });
}

const attentionHeaders = { dueAt: header.dueAt, endsAt: header.endsAt, deliverAt: header.deliverAt, heldSince: header.heldSince } as const;
const attentionKeys = Object.keys(attentionHeaders) as (keyof Attention)[];

export function appendHeaders(previous: Version, attention: Attention): MsgHdrs {
  const entries: [string, string][] = [[header.expected, String(previous)]];
  for (const key of attentionKeys) {
    const moment = attention[key];
    if (moment !== undefined) entries.push([attentionHeaders[key], String(moment)]);
  }
  return wireHeaders(entries);
}

/** `undefined` when the bytes are no append of a known version. */
export function decodeAppend(data: Uint8Array, sequence: number): RecordedAppend | undefined {
  const parsed = appendSchema.safeParse(parseJson(Buffer.from(data.buffer, data.byteOffset, data.length).toString()));
  if (!parsed.success) return undefined;
  const { v: _, ...append } = parsed.data;
  return { ...append, previous: append.previous as Version, version: sequence as Version } as RecordedAppend;
}

export function decodeAttention(found: HeaderReader | undefined): Attention {
  const attention: Attention = {};
  for (const key of attentionKeys) {
    const moment = found?.get(attentionHeaders[key]) ?? '';
    if (moment !== '') attention[key] = Number(moment);
  }
  return attention;
}
