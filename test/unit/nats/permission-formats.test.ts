import { describe, expect, test } from 'vitest';
import { erasureKey } from '#src/core/log/erasure-request.ts';
import { toNsc, toServerConfig } from '#src/nats/permissions/permission-formats.ts';
import { PERMISSION_ROLES, permissionsOf } from '#src/nats/permissions/role-permissions.ts';
import { STATE_BUCKET } from '#src/nats/wire/topology.ts';

describe('the permissions of a role', () => {
  const producer = { name: 'sequent_producer_shop', permissions: permissionsOf('producer', { project: 'shop' }) };

  test('are printed as an entry of a nats-server configuration', () => {
    expect(toServerConfig(producer)).toBe(`{
  user: "sequent_producer_shop"
  password: $SEQUENT_PRODUCER_SHOP_PASSWORD
  permissions: {
    publish: { allow: [
      "invoke.shop.*"
    ] }
    subscribe: { allow: [
      "_INBOX_sequent_producer_shop.>"
    ] }
  }
}`);
  });

  test('are printed as an nsc command, quoted for a shell', () => {
    const worker = toNsc({ name: 'sequent_worker', permissions: permissionsOf('worker') });
    expect(worker).toMatch(/^nsc add user --name sequent_worker \\\n {2}--allow-pub '\$JS\.API\.INFO,/);
    expect(worker).toMatch(/ \\\n {2}--allow-pub-response$/);
    expect(toNsc(producer)).not.toContain('response');
  });

  test("contain no part of JetStream's API for a producer and a consumer", () => {
    for (const role of ['producer', 'consumer'] as const) expect(permissionsOf(role).publish.join()).not.toContain('$');
    expect(permissionsOf('consumer', { project: 'shop' }).subscribe).toEqual(['_INBOX_sequent_consumer_shop.>', 'result.shop.>']);
  });

  test('let an operator request an erasure, which the janitor performs', () => {
    expect(permissionsOf('operator').publish).toContain(`$KV.${STATE_BUCKET}.${erasureKey('*')}`);
  });

  test('name the domain in every subject of JetStream, and each role has an inbox of its own', () => {
    const inboxes = PERMISSION_ROLES.map((role) => permissionsOf(role).subscribe[0]);
    expect(new Set(inboxes).size).toBe(PERMISSION_ROLES.length);
    for (const role of PERMISSION_ROLES) {
      const { publish } = permissionsOf(role, { domain: 'hub' });
      expect(publish.filter((subject) => /^\$(?:JS\.API|KV)\./.test(subject))).toEqual([]);
      expect(permissionsOf(role).publish.filter((subject) => subject.includes('.hub.'))).toEqual([]);
    }
  });
});
