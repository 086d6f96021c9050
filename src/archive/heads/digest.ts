import { hash } from 'node:crypto';
import type { SourceEntry } from '#src/core/log/log-source.ts';

/**
 * What a signed head commits to of a message, besides its sequence and its time (HEAD1): the SHA-256 of its subject, of the headers that
 * define a request, and of its payload. A mark of the archive keeps this digest.
 *
 * The wake times of an append are not covered. They follow from its facts, and `verify` compares both.
 */
export function digestOf({ subject, headers, body, content }: SourceEntry): string {
  // The archive keeps only the sequence and the time of a hint.
  if (content.kind === 'hint') return '';
  if (content.kind === 'erased') return content.digest ?? '';
  const start = `${subject}\n${headers ?? ''}\n`;
  return hash('sha256', typeof body === 'string' ? start + body : Buffer.concat([Buffer.from(start), body]), 'base64url');
}
