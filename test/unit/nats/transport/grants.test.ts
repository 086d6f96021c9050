import { describe, expect, test } from 'vitest';
import { grantOf } from '#src/nats/transport/grants.ts';

describe('the permission that grants a refused', () => {
  test.for([
    ['publish', 'invoke.orders', 'publish: {allow: ["invoke.*"]}'],
    ['publish', 'invocation.orders.0123', 'publish: {allow: ["invocation.*.*"]}'],
    ['publish', '$JS.API.CONSUMER.MSG.NEXT.INVOCATIONS.fn-orders', 'publish: {allow: ["$JS.API.CONSUMER.MSG.NEXT.INVOCATIONS.*"]}'],
    ['publish', '$JS.API.CONSUMER.DURABLE.CREATE.INVOCATIONS.x', 'publish: {allow: ["$JS.API.CONSUMER.DURABLE.CREATE.INVOCATIONS.*"]}'],
    ['publish', '$JS.API.CONSUMER.CREATE.INVOCATIONS', 'publish: {allow: ["$JS.API.CONSUMER.CREATE.INVOCATIONS"]}'],
    ['publish', '$JS.API.CONSUMER.CREATE.INVOCATIONS.x.invoke.a', 'publish: {allow: ["$JS.API.CONSUMER.CREATE.INVOCATIONS.>"]}'],
    ['publish', '$JS.ACK.INVOCATIONS.fn-a.1.2.3.4.5', 'publish: {allow: ["$JS.ACK.INVOCATIONS.>"]}'],
    ['publish', '$JS.ACK._.szMpdrwD.INVOCATIONS.fn-a.1.2.3.4.5', 'publish: {allow: ["$JS.ACK.*.*.INVOCATIONS.*.*.*.*.*.>"]}'],
    ['publish', '$KV.SEQUENT_STATE.floor.fn-a', 'publish: {allow: ["$KV.SEQUENT_STATE.>"]}'],
    ['publish', 'theirs.own.subject', 'publish: {allow: ["theirs.own.subject"]}'],
    ['publish', '_INBOX.abc.1', 'allow_responses: true'],
    ['publish', '$JS.hub.API.CONSUMER.MSG.NEXT.INVOCATIONS.fn-a', 'publish: {allow: ["$JS.hub.API.CONSUMER.MSG.NEXT.INVOCATIONS.*"]}'],
    ['publish', '$JS.hub.API.$KV.SEQUENT_STATE.floor.x', 'publish: {allow: ["$JS.hub.API.$KV.SEQUENT_STATE.>"]}'],
    ['subscribe', '_INBOX.abc.*', 'subscribe: {allow: ["_INBOX.>"]}'],
    ['subscribe', 'worker.host-1-ab.cancel', 'subscribe: {allow: ["worker.*.cancel"]}'],
    ['subscribe', '$SRV.PING', 'subscribe: {allow: ["$SRV.PING"]}'],
    ['subscribe', '$SRV.INFO.sequent-roles.ABC', 'subscribe: {allow: ["$SRV.INFO.sequent-roles.*"]}'],
  ] as const)('%s of %s', ([operation, subject, permission]) => {
    expect(grantOf(operation, subject, '_INBOX')).toBe(permission);
  });

  test('subscribe of an inbox has the prefix of the inboxes of the connection', () => {
    expect(grantOf('subscribe', '_INBOX_pi.abc.*', '_INBOX_pi')).toBe('subscribe: {allow: ["_INBOX_pi.>"]}');
  });
});
