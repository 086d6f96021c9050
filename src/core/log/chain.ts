import { hash } from 'node:crypto';
import type { FunctionName, StreamId } from '#src/core/names/names.ts';

/*
 * Every stream is a chain of hashes. Its root is the request as it was accepted.
 *
 * - Each append carries the hash of the accepted message before it in its stream: its link (LINK1).
 * - An append with a wrong link does not count, for any reader (LINK2). Without a link it counts, because an earlier version wrote it (LINK3).
 * - An append that names a request which the log does not hold gives the stream no owner. The append does not count,
 *   whether it has a link or not (LINK5).
 * - Until an append counts, the correct link is the hash of the request that the append itself names. The first append that counts gives the
 *   stream to that request (LINK2). An append that was refused stays refused, even if its link is the hash of the later owner.
 *
 * A sequence alone proves nothing. After a power cut, the log may have lost its last messages, and then gives their sequences to others.
 */

/** 132 bits of SHA-256 in base64url. */
const HASH_CHARACTERS = 22;

/** The parts of an append that place it in the chain. */
export type Linked = { readonly link?: string | undefined; readonly hash: string };

type RequestContent = {
  function: FunctionName;
  stream: StreamId;
  sequence: number;
  at: number;
  /** The headers that define the request: a line `<name>: <value>` for each. */
  headers: string;
  data: string | Uint8Array;
};

/** The hash of a request. It covers the position in the log, since two requests may have the same id and the same content. */
export function hashOfRequest({ function: fn, stream, sequence, at, headers, data }: RequestContent): string {
  const start = `${fn}\n${stream}\n${sequence}\n${at}\n${headers}\n`;
  return shortHash(typeof data === 'string' ? start + data : Buffer.concat([Buffer.from(start), data]));
}

/** The hash of an append. Its encoded text contains its link, so the hash covers all linked messages before it. */
export function hashOfAppend(encoded: string | Uint8Array): string {
  return shortHash(encoded);
}

/** The head of a stream after an append; `undefined` when the append does not follow the head (LINK2, LINK3). */
export function headAfter(head: string, { link, hash: own }: Linked): string | undefined {
  if (link !== undefined) return link === head ? own : undefined;
  // An unreadable message has no hash.
  return own === '' ? head : shortHash(`${head}\n${own}`);
}

/** A stream while it is folded. It is owned once an accepted append has named the request that owns it. */
export type FoldedChain = { isOwned: boolean; head: string };

/** As {@link headAfter}, for a stream without an owner too: the append must then follow the request that it names, by its hash. */
export function headOfOwned({ isOwned, head }: FoldedChain, named: string | undefined, append: Linked): string | undefined {
  if (isOwned) return headAfter(head, append);
  return named === undefined ? undefined : headAfter(named, append);
}

/** The appends that follow a head, each after the accepted ones before it, and the head after them. */
export function acceptedAfter<Append extends Linked>(head: string, appends: readonly Append[]): { accepted: Append[]; head: string } {
  const accepted: Append[] = [];
  let last = head;
  for (const append of appends) {
    const next = headAfter(last, append);
    if (next === undefined) continue;
    last = next;
    accepted.push(append);
  }
  return { accepted, head: last };
}

/** The link and the hash of an append in a short form, for readers that do not receive contents. It detects accidents, not attacks. */
export type ShortLink = { readonly previous: string; readonly own: string };

const SHORT_CHARACTERS = 8;

export function shortLinkOf({ link, hash: own }: Linked): ShortLink | undefined {
  return link === undefined ? undefined : { previous: link.slice(0, SHORT_CHARACTERS), own: own.slice(0, SHORT_CHARACTERS) };
}

function shortHash(content: string | Uint8Array): string {
  return hash('sha256', content, 'base64url').slice(0, HASH_CHARACTERS);
}
