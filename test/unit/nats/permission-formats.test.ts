import { describe, expect, test } from 'vitest';
import { erasureKey } from '#src/core/log/erasure-request.ts';
import type { FunctionName, StreamId } from '#src/core/names/names.ts';
import { subjects } from '#src/core/names/subjects.ts';
import { accountOf, accountsConfig, borderOf } from '#src/nats/permissions/accounts.ts';
import { toNsc, toServerConfig } from '#src/nats/permissions/permission-formats.ts';
import { isClient, PERMISSION_ROLES, permissionsOf } from '#src/nats/permissions/role-permissions.ts';
import { STATE_BUCKET } from '#src/nats/wire/topology.ts';

/** Whether a subject is one of a pattern of NATS. */
function matches(pattern: string, subject: string): boolean {
  const tokens = pattern.split('.').map((token) => (token === '*' ? '[^.]+' : token === '>' ? '.+' : token.replaceAll(/\W/g, '\\$&')));
  return new RegExp(`^${tokens.join('\\.')}$`).test(subject);
}

describe('the permissions of a role', () => {
  const shop = { account: accountOf('producer', 'shop'), border: borderOf('producer', 'shop') };
  const producer = { name: 'sequent_producer_shop', permissions: permissionsOf('producer', { project: 'shop' }), ...shop };

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
    const worker = toNsc({ name: 'sequent_worker', account: accountOf('worker'), permissions: permissionsOf('worker') });
    expect(worker).toMatch(/^nsc add user --account SEQUENT --name sequent_worker \\\n {2}--allow-pub '\$JS\.API\.INFO,/);
    expect(worker).toMatch(/ \\\n {2}--allow-pub-response$/);
    expect(toNsc(producer)).not.toContain('response');
    expect(toNsc(producer).split('\n')[0]).toBe(
      '# SEQUENT_CLIENTS_shop imports from SEQUENT, as private exports: the service "invoke.shop.*"',
    );
  });

  test("contain no part of JetStream's API for a producer and a consumer", () => {
    for (const role of ['producer', 'consumer'] as const) expect(permissionsOf(role).publish.join()).not.toContain('$');
    expect(permissionsOf('consumer', { project: 'shop' }).subscribe).toEqual(['_INBOX_sequent_consumer_shop.>', 'result.shop.*.*']);
  });

  test('of a project reach nothing of a function of the own project that has the name of the project', () => {
    const name = 'shop' as FunctionName;
    const own = [
      subjects.invoke(name),
      subjects.result(name, 'succeeded'),
      subjects.result(name, 'failed'),
      subjects.derived(name),
      subjects.wake(name),
      subjects.deliver(name),
      subjects.invocation({ function: name, stream: 'a' as StreamId }),
    ];
    const patterns = (['producer', 'consumer', 'history'] as const).flatMap((role) => {
      const { publish, subscribe } = permissionsOf(role, { project: 'shop' });
      const { services = [], streams = [] } = borderOf(role, 'shop') ?? {};
      return [...publish, ...subscribe, ...services, ...streams];
    });
    expect(patterns.flatMap((pattern) => own.filter((subject) => matches(pattern, subject)))).toEqual([]);
    expect(patterns.some((pattern) => matches(pattern, subjects.result('shop=orders' as FunctionName, 'failed')))).toBe(true);
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

describe('the account of a user', () => {
  test("is that of Sequent exactly when the user needs JetStream's API or hears the subjects of services", () => {
    for (const role of PERMISSION_ROLES) {
      const isTrusted = !isClient(role) || role === 'history';
      expect([role, accountOf(role)]).toEqual([role, isTrusted ? 'SEQUENT' : 'SEQUENT_CLIENTS']);
      expect([role, accountOf(role, 'shop')]).toEqual([role, isClient(role) ? 'SEQUENT_CLIENTS_shop' : 'SEQUENT']);
    }
  });

  test('imports what its users may publish and hear, and each export names the accounts that import it', () => {
    const users = (['producer', 'consumer', 'history'] as const).map((role) => ({
      account: accountOf(role, 'shop'),
      border: borderOf(role, 'shop'),
      entry: `{ ${role} }`,
    }));
    const all = { account: accountOf('producer'), border: borderOf('producer'), entry: '{ all }' };
    expect(accountsConfig([{ account: 'SEQUENT', entry: '{ worker }' }, ...users, all]).join(' ')).toBe(
      'accounts { SEQUENT { jetstream: enabled exports: [' +
        '   { service: "invoke.shop.*", accounts: [SEQUENT_CLIENTS_shop] }' +
        '   { service: "history.project.shop.*", accounts: [SEQUENT_CLIENTS_shop] }' +
        '   { stream: "result.shop.*.*", accounts: [SEQUENT_CLIENTS_shop] }' +
        '   { service: "invoke.*", accounts: [SEQUENT_CLIENTS] }' +
        '   { service: "invoke.*.*", accounts: [SEQUENT_CLIENTS] }' +
        ' ] users: [ { worker } ] } SEQUENT_CLIENTS_shop { imports: [' +
        '   { service: { account: SEQUENT, subject: "invoke.shop.*" } }' +
        '   { service: { account: SEQUENT, subject: "history.project.shop.*" } }' +
        '   { stream: { account: SEQUENT, subject: "result.shop.*.*" } }' +
        ' ] users: [ { producer } { consumer } { history } ] } SEQUENT_CLIENTS { imports: [' +
        '   { service: { account: SEQUENT, subject: "invoke.*" } }' +
        '   { service: { account: SEQUENT, subject: "invoke.*.*" } }' +
        ' ] users: [ { all } ] } }',
    );
  });
});
