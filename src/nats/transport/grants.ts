import { SEQUENT_SUBJECTS } from '#src/core/names/subjects.ts';

/** What a permission of NATS is needed for. */
export type Operation = 'publish' | 'subscribe';

/**
 * The subjects that Sequent and the NATS client use, as permissions name them. `?` stands for a token that the permission keeps,
 * `*` and `>` are the wildcards of NATS. The first pattern that matches decides.
 */
const patterns = [
  '$JS.API.CONSUMER.DURABLE.CREATE.?.*',
  '$JS.API.CONSUMER.CREATE.?.>',
  '$JS.API.CONSUMER.MSG.NEXT.?.*',
  '$JS.API.CONSUMER.INFO.?.*',
  '$JS.API.CONSUMER.DELETE.?.*',
  '$JS.API.DIRECT.GET.?.>',
  '$JS.ACK.?.>',
  '$JS.FC.?.>',
  '$KV.?.>',
  '$O.?.>',
  '$SRV.?.?.*',
  ...Object.values(SEQUENT_SUBJECTS),
].map((pattern) => pattern.split('.'));

/** The narrowest permission that lets Sequent do this in general, and not for one stream, consumer or inbox alone. */
export function grantOf(operation: Operation, subject: string, inboxPrefix: string): string {
  const isInbox = subject.startsWith(`${inboxPrefix}.`) || subject.startsWith('_INBOX.');
  if (isInbox && operation === 'publish') return 'allow_responses: true';
  return `${operation}: {allow: ["${isInbox ? `${inboxPrefix}.>` : patternOf(subject)}"]}`;
}

function patternOf(subject: string): string {
  const tokens = subject.split('.');
  const pattern = patterns.find((candidate) => matches(candidate, tokens));
  return pattern === undefined ? subject : pattern.map((token, place) => (token === '?' ? tokens[place] : token)).join('.');
}

function matches(pattern: readonly string[], tokens: readonly string[]): boolean {
  const isOpen = pattern.at(-1) === '>';
  if (isOpen ? tokens.length < pattern.length : tokens.length !== pattern.length) return false;
  return pattern.every((token, place) => token === '?' || token === '*' || token === '>' || token === tokens[place]);
}
