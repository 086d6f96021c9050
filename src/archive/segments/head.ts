import { z } from 'zod';
import { parseJson } from '#src/core/json/json.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';

/** The end of the archive and its store. The state store keeps it, so that a janitor or a reader detects a missing end. */
const headSchema = z.object({ log: z.string(), last: z.number(), link: z.string(), store: z.string() });
export type ArchiveHead = z.output<typeof headSchema>;

const HEAD_KEY = 'archive.head';

export async function writeHead(state: KeyValue, head: ArchiveHead): Promise<void> {
  await state.put(HEAD_KEY, JSON.stringify(head));
}

/** The head of a log; `undefined` when no message of that log was archived. */
export async function readHead(state: KeyValue, log: string): Promise<ArchiveHead | undefined> {
  const text = (await state.get(HEAD_KEY))?.value;
  const head = headSchema.safeParse(parseJson(text));
  return head.success && head.data.log === log ? head.data : undefined;
}

/** The problem of an archive that ends at this position; `undefined` when the archive holds everything that was archived. */
export function findHeadProblem(head: ArchiveHead | undefined, end: { last: number; link: string; store: string }): string | undefined {
  if (head === undefined || head.last < end.last) return undefined;
  if (head.last > end.last) return `was archived up to ${head.last} in ${head.store}, but ${end.store} ends at ${end.last}`;
  return head.link === end.link ? undefined : 'follows another segment than the last one that was archived';
}
