import { z } from 'zod';
import type { KeyValue } from '#src/core/ports/key-value.ts';
import { parseJson } from '#src/core/text/json.ts';

/** How far a log is archived, and in which store: what another janitor and every reader must find. */
const headSchema = z.object({ log: z.string(), last: z.number(), link: z.string(), store: z.string() });
export type ArchiveHead = z.output<typeof headSchema>;

const HEAD_KEY = 'archive.head';

export async function writeHead(state: KeyValue, head: ArchiveHead): Promise<void> {
  await state.put(HEAD_KEY, JSON.stringify(head));
}

/** What is known of this log; `undefined` when nothing of it was archived. */
export async function readHead(state: KeyValue, log: string): Promise<ArchiveHead | undefined> {
  const text = (await state.get(HEAD_KEY))?.value;
  const head = headSchema.safeParse(parseJson(text));
  return head.success && head.data.log === log ? head.data : undefined;
}

/** What is wrong with an archive that ends so; `undefined` when it holds all that was archived. */
export function whyNotWhole(head: ArchiveHead | undefined, end: { last: number; link: string; store: string }): string | undefined {
  if (head === undefined || head.last < end.last) return undefined;
  if (head.last > end.last) return `was archived up to ${head.last} in ${head.store}, and ${end.store} ends at ${end.last}`;
  return head.link === end.link ? undefined : 'ends with another segment than the one that was archived';
}
