import { matchesSubject, SEQUENT_SUBJECTS } from '#src/core/names/subjects.ts';

/** The operations that NATS permissions distinguish. */
export type Operation = 'publish' | 'subscribe';

/**
 * The subjects that Sequent and the NATS client use, as patterns for permissions. The first pattern that matches is used.
 *
 * `?` is replaced by the token of the subject. `*` and `>` are NATS wildcards, and stay in the permission.
 */
const patterns = [
  // The second form is that of a JetStream domain.
  ...['$JS.API', '$JS.?.API'].flatMap((api) => [
    `${api}.CONSUMER.DURABLE.CREATE.?.*`,
    `${api}.CONSUMER.CREATE.?.>`,
    `${api}.CONSUMER.MSG.NEXT.?.*`,
    `${api}.CONSUMER.INFO.?.*`,
    `${api}.CONSUMER.LEADER.STEPDOWN.?.*`,
    `${api}.CONSUMER.DELETE.?.*`,
    `${api}.DIRECT.GET.?.>`,
    `${api}.$KV.?.>`,
  ]),
  // From nats-server 2.16 on, with the domain and the account before the stream.
  '$JS.ACK.*.*.?.*.*.*.*.*.>',
  '$JS.FC.*.*.?.*.>',
  '$JS.ACK.?.>',
  '$JS.FC.?.>',
  '$KV.?.>',
  '$O.?.>',
  '$SRV.?.?.*',
  ...Object.values(SEQUENT_SUBJECTS),
].map((pattern) => pattern.split('.'));

/** Returns the narrowest permission for an operation that covers every consumer and inbox of its kind, not only the one in use. */
export function grantOf(operation: Operation, subject: string, inboxPrefix: string): string {
  const isInbox = subject.startsWith(`${inboxPrefix}.`) || subject.startsWith('_INBOX.');
  if (isInbox && operation === 'publish') return 'allow_responses: true';
  return `${operation}: {allow: ["${isInbox ? `${inboxPrefix}.>` : patternOf(subject)}"]}`;
}

function patternOf(subject: string): string {
  const tokens = subject.split('.');
  const pattern = patterns.find((candidate) => matchesSubject(withWildcards(candidate), tokens));
  return pattern === undefined ? subject : pattern.map((token, index) => (token === '?' ? tokens[index] : token)).join('.');
}

const withWildcards = (pattern: readonly string[]): string[] => pattern.map((token) => (token === '?' ? '*' : token));
