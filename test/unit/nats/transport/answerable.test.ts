import { expect, test } from 'vitest';
import { isInbox } from '#src/nats/transport/connection/answerable.ts';

const own = 'team.inbox';

test.for(['_INBOX.x', '_INBOX.x.7', '_INBOX_pi.x', '_INBOX_sequent_gateway.x.1', '_R_.hash.x', 'team.inbox.x', '_GR_.c.s._INBOX.x'])(
  '%s is an inbox',
  (subject) => expect(isInbox(subject, own)).toBe(true),
);

test.for([
  '$JS.API.STREAM.DELETE.INVOCATIONS',
  '_GR_.c.s.$JS.API.STREAM.DELETE.INVOCATIONS',
  '_GR_.c.s._GR_.c.s.invoke.hello',
  'invoke.hello',
  'invocation.hello.x',
  '_INBOX',
  '_INBOXES.x',
  '_INBOX_pi',
  'x._INBOX.x',
  'team.inbox',
  'team.inboxes.x',
  '_R_',
])('%s is no inbox (ANS1)', (subject) => expect(isInbox(subject, own)).toBe(false));
