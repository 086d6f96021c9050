import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openConnections, parseConnections } from '#src/destinations/connections/connections.ts';
import { reveal, Secret } from '#src/destinations/targets/secret.ts';
import { accessKeyId, canaries, canariesIn, plantCanaries, secretAccessKey, webhookSecret } from '#test/support/destinations/deliveries.ts';

let folder: string;
beforeAll(async () => {
  plantCanaries();
  folder = await mkdtemp(join(tmpdir(), 'sequent-test-'));
});
afterAll(async () => await rm(folder, { recursive: true }));

async function fileWith(text: string): Promise<string> {
  const file = join(folder, 'connections.json');
  await writeFile(file, text);
  return file;
}

const https = { protocol: 'https', endpoint: 'https://hooks.example.com/a', secret: webhookSecret };
const smnOf = (subscription: object, more: object = {}) => ({
  smn: { kind: 'smn', topics: { t: { subscriptions: [subscription] } }, ...more },
});
const smtp = { host: 'mail.example.com', port: 587, from: 'sequent@example.com' };
const obs = { kind: 'obs', endpoint: 'https://obs.here.example.com', accessKeyId, secretAccessKey };
const dis = { kind: 'dis', endpoint: 'https://dis.here.example.com', projectId: 'p' };

describe('the connections file', () => {
  test('returns the connection of a name, which is the kind by default', async () => {
    const connections = await openConnections(
      await fileWith(JSON.stringify({ obs, archive: { ...obs, forcePathStyle: true }, ...smnOf(https) })),
    );
    expect(connections.pick('obs')).toMatchObject({
      kind: 'picked',
      name: 'obs',
      connection: { forcePathStyle: false, timeoutInMs: 10_000, allowPrivate: false },
    });
    expect(connections.pick('obs', 'archive')).toMatchObject({ kind: 'picked', name: 'archive', connection: { forcePathStyle: true } });
    expect(connections.pick('smn')).toMatchObject({ kind: 'picked', connection: { topics: { t: {} } } });
    expect([connections.has('archive'), connections.has('toString')]).toEqual([true, false]);
  });

  test('reports insufficient permission for a connection that is not configured', () => {
    const connections = parseConnections({ obs });
    expect(connections.pick('http')).toEqual({
      kind: 'missing',
      problem: 'insufficient permission: no connection "http" of the kind "http" is configured',
    });
    expect(connections.pick('http', 'obs')).toEqual({
      kind: 'missing',
      problem: 'insufficient permission: no connection "obs" of the kind "http" is configured; "obs" is of the kind "obs"',
    });
  });

  test.each<[string, object, string]>([
    ['an unknown kind', { a: { kind: 'ftp' } }, 'a.kind'],
    ['an endpoint that is no URL', { a: { ...obs, endpoint: 'obs' } }, 'a.endpoint'],
    ['an endpoint with a password', { a: { ...obs, endpoint: 'https://u:canary@example.com' } }, 'a.endpoint'],
    ['an unknown key', { a: { ...obs, secret: 'x' } }, 'a has no field "secret"'],
    ['an invalid name', { 'a b': obs }, 'a b'],
    ['a topic without subscriptions', { smn: { kind: 'smn', topics: { t: { subscriptions: [] } } } }, 'smn.topics.t.subscriptions'],
    ['a webhook without a secret', smnOf({ ...https, secret: undefined }), 'smn.topics.t.subscriptions[0].secret'],
    ['a webhook of the other protocol', smnOf({ ...https, protocol: 'http' }), 'smn.topics.t.subscriptions[0].endpoint'],
    ['a webhook that is no URL', smnOf({ ...https, endpoint: 'hooks' }), 'smn.topics.t.subscriptions[0].endpoint'],
    ['an e-mail without a server', smnOf({ protocol: 'email', endpoint: 'a@example.com' }), 'smn.topics.t.subscriptions[0]'],
    [
      'an e-mail address with a line break',
      smnOf({ protocol: 'email', endpoint: 'a@example.com\r\nBcc: b@example.com' }, { smtp }),
      'endpoint',
    ],
    ['a DIS connection without credentials', { dis }, 'dis.token'],
    ['a DIS connection with two kinds of credentials', { dis: { ...dis, token: webhookSecret, accessKeyId } }, 'dis.token'],
    ['a DIS connection without a place', { dis: { ...dis, endpoint: undefined, token: webhookSecret } }, 'dis.region'],
    ['an SMN connection with neither topics nor a place', { smn: { kind: 'smn' } }, 'smn.topics'],
    ['an SMN service without credentials', { smn: { kind: 'smn', region: 'cn-north-4', projectId: 'p' } }, 'smn.token'],
    ['an SMN connection with topics and a region', smnOf(https, { region: 'cn-north-4' }), 'smn.region'],
    ['a region that is no name of a host', { dis: { ...dis, region: 'a.b', token: webhookSecret } }, 'dis.region'],
    ['an HTTP connection with a secret for every host', { http: { kind: 'http', secret: webhookSecret } }, 'http.hosts'],
    ['an HTTP connection with a header for every host', { http: { kind: 'http', headers: { 'X-Team': 'a' } } }, 'http.hosts'],
    ['a pattern for every host', { http: { kind: 'http', hosts: ['*'] } }, 'http.hosts[0]'],
    ['an invalid project', { obs: { ...obs, projects: ['a.b'] } }, 'obs.projects[0]'],
    ['a header that Sequent sets', { http: { kind: 'http', headers: { Host: 'x' } } }, 'http.headers.Host'],
  ])('refuses %s and names the field', (_what, input, field) => {
    expect(() => parseConnections(input)).toThrow(field);
  });

  test('picks a connection only for its projects; the own project is named by its id', () => {
    const connections = parseConnections({ obs: { ...obs, projects: ['own', 'b'] } }, { ownProject: 'own' });
    for (const allowed of ['f', 'b=f', undefined]) expect(connections.pick('obs', undefined, allowed).kind).toBe('picked');
    expect(connections.pick('obs', undefined, 'c=f')).toEqual({
      kind: 'missing',
      problem: 'insufficient permission: connection "obs" is not for project c',
    });
    const foreign = parseConnections({ obs: { ...obs, projects: ['b'] } }, { ownProject: 'own' });
    expect(foreign.pick('obs', undefined, 'f')).toMatchObject({
      problem: 'insufficient permission: connection "obs" is not for project own',
    });
  });

  test.each<[string, object, string]>([
    ['secretAccessKey', { obs: { ...obs, secretAccessKey: canaries.SEQUENT_TEST_SECRET_KEY } }, 'obs.secretAccessKey'],
    ['a webhook secret', smnOf({ ...https, secret: canaries.SEQUENT_TEST_WEBHOOK }), 'smn.topics.t.subscriptions[0].secret'],
    ['a password', smnOf(https, { smtp: { ...smtp, user: 'u', password: canaries.SEQUENT_TEST_PASSWORD } }), 'smn.smtp.password'],
    ['a token', { dis: { ...dis, token: canaries.SEQUENT_TEST_TOKEN } }, 'dis.token'],
    [
      'an Authorization header',
      { http: { kind: 'http', headers: { Authorization: canaries.SEQUENT_TEST_TOKEN } } },
      'http.headers.Authorization',
    ],
    ['an X-Api-Key header', { http: { kind: 'http', headers: { 'X-Api-Key': canaries.SEQUENT_TEST_TOKEN } } }, 'http.headers["X-Api-Key"]'],
  ])('refuses %s in plain text, and does not repeat it', async (_what, input, field) => {
    const file = await fileWith(JSON.stringify(input));
    const error = await openConnections(file).catch((thrown: unknown) => thrown);
    expect(String(error)).toContain(field);
    expect(String(error)).toContain('must be a reference, {"env": "NAME"} or {"file": "/path"}: a secret in plain text is refused');
    expect(canariesIn(inspect(error, { depth: 20, showHidden: true }) + JSON.stringify(error))).toEqual([]);
  });

  test('does not quote a file that is not JSON', async () => {
    const error = await openConnections(await fileWith(`{"secret":"${canaries.SEQUENT_TEST_TOKEN}" oops`)).catch(
      (thrown: unknown) => thrown,
    );
    expect(String(error)).toMatch(/is not valid JSON$/);
    expect(canariesIn(inspect(error, { depth: 20, showHidden: true }))).toEqual([]);
  });

  test('reports a missing file', async () => {
    await expect(openConnections('/nowhere/connections.json')).rejects.toThrow(
      'the connections file /nowhere/connections.json cannot be read (ENOENT)',
    );
  });

  test('contains no secret in any printed form of a connection', () => {
    const picked = parseConnections({ obs }).pick('obs');
    const printed = [
      inspect(picked, { depth: 20, showHidden: true }),
      JSON.stringify(picked),
      Object.values(picked).map(String).join(),
    ].join();
    expect(canariesIn(printed)).toEqual([]);
    expect(printed).toContain('[redacted]');
  });
});

describe('a secret', () => {
  test('is read at every use, from the environment or a file, and trimmed', async () => {
    const file = await fileWith('one\n');
    const secrets = { a: new Secret({ env: 'SEQUENT_TEST_TOKEN' }), b: new Secret({ file }), c: 'plain' };
    expect(reveal(secrets)).toEqual({ kind: 'revealed', texts: { a: canaries.SEQUENT_TEST_TOKEN, b: 'one', c: 'plain' } });
    await fileWith('two');
    expect(reveal(secrets)).toMatchObject({ texts: { b: 'two' } });
  });

  test('that is missing is reported with its source', () => {
    expect(reveal({ key: new Secret({ file: '/nowhere' }) })).toEqual({
      kind: 'unreadable',
      problem: 'its key cannot be read from the file /nowhere',
    });
  });

  test('is redacted in every printed form', () => {
    const secret = new Secret({ env: 'SEQUENT_TEST_TOKEN' });
    expect([`${secret}`, JSON.stringify({ secret }), inspect(secret), inspect({ secret }, { showHidden: true })].join()).toBe(
      '[redacted],{"secret":"[redacted]"},[redacted],{ secret: [redacted] }',
    );
  });
});
