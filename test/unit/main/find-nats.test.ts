import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { InvalidConfigurationError, readConfiguration } from '#src/main/config/configuration.ts';
import { findNats, requestedNats, respondersNats } from '#src/main/config/find-nats.ts';
import { addressOf } from '#src/main/config/nats-address.ts';
import { folderTest as test } from '#test/support/folder-fixture.ts';

test('responders have the same address unless a server or credentials for them are configured', () => {
  const address = { servers: ['nats://one'], user: 'sequent', pass: 'x', tls: { caFile: '/ca.pem' } };
  const respondersUrls = ['nats://asker:secret@one'];
  expect(respondersNats(address, { respondersUrls: undefined, respondersCreds: undefined, dataDir: '/nowhere' })).toEqual(address);
  expect(respondersNats(address, { respondersUrls, respondersCreds: undefined, dataDir: '/nowhere' })).toEqual({
    servers: ['nats://one'],
    user: 'asker',
    pass: 'secret',
    tls: { caFile: '/ca.pem' },
  });
  expect(respondersNats(address, { respondersUrls: undefined, respondersCreds: '/c', dataDir: '/nowhere' })).toEqual({
    ...address,
    credsFile: '/c',
  });
  const byNkey = { servers: ['nats://one'], nkeyFile: '/keys/worker/nats.nk', inboxPrefix: 'own' };
  expect(respondersNats(byNkey, { respondersNkey: '/keys/responders/nats.nk', dataDir: '/nowhere' })).toEqual({
    servers: ['nats://one'],
    nkeyFile: '/keys/responders/nats.nk',
  });
});

describe('the NATS of a command', () => {
  let home: string;

  test.beforeEach(async ({ folder }) => {
    home = folder;
    await writeContext('production', {
      url: 'nats://a:4222,nats://b:4222',
      creds: '~/production.creds',
      user: '',
      token: '',
      ca: '~/ca.pem',
      cert: '/c.pem',
      key: '/k.pem',
      color_scheme: 'red',
    });
    await writeContext('staging', { url: 'nats://staging', user: 'me', password: 'secret' });
  });

  test('comes from a flag before the environment', async () => {
    expect(await find({ flags: { natsUrl: 'nats://flag' }, env: { NATS_URL: 'nats://env', NATS_CONTEXT: 'staging' } })).toMatchObject({
      servers: ['nats://flag'],
      from: '--server',
    });
    expect(await find({ flags: { context: 'staging' }, env: { NATS_URL: 'nats://env' } })).toMatchObject({ servers: ['nats://staging'] });
  });

  test('comes from NATS_URL, before NATS_CONTEXT, before a selected context', async () => {
    await select('staging');
    expect(await find({ env: { NATS_URL: 'nats://env', NATS_CONTEXT: 'production' } })).toEqual({
      servers: ['nats://env'],
      from: 'NATS_URL',
    });
    expect(await find({ env: { NATS_CONTEXT: 'production' } })).toMatchObject({ from: 'the nats context "production"' });
    expect(await find({})).toEqual({ servers: ['nats://staging'], user: 'me', pass: 'secret', from: 'the nats context "staging"' });
  });

  test('is the local default without any setting', async () => {
    expect(await find({})).toEqual({ servers: ['nats://127.0.0.1:4222'], from: 'the default' });
  });

  test('does not come from a selected context when Sequent may start its own server', async () => {
    await select('staging');
    expect(requestedNats(configure({}), { HOME: home })).toBeUndefined();
    expect(requestedNats(configure({ flags: { context: 'staging' } }), { HOME: home })).toMatchObject({ servers: ['nats://staging'] });
  });

  test('takes the settings of a context file, and prefers the credentials of NATS_CREDS', async () => {
    const production = await find({ env: { NATS_CONTEXT: 'production' } });
    expect(production).toEqual({
      servers: ['nats://a:4222', 'nats://b:4222'],
      credsFile: join(home, 'production.creds'),
      tls: { caFile: join(home, 'ca.pem'), certFile: '/c.pem', keyFile: '/k.pem' },
      from: 'the nats context "production"',
    });
    expect(await find({ env: { NATS_CONTEXT: 'production', NATS_CREDS: '/mine.creds' } })).toMatchObject({ credsFile: '/mine.creds' });
    expect(await find({ env: { NATS_URL: 'nats://x', NATS_CREDS: '/mine.creds' } })).toMatchObject({ credsFile: '/mine.creds' });
  });

  test('takes the nkey, the domain, the inbox prefix and the TLS handshake of a context file', async () => {
    await writeContext('leaf', { url: 'tls://x', nkey: '~/me.nk', tls_first: true, jetstream_domain: 'hub', inbox_prefix: '_INBOX_me' });
    const address = { servers: ['tls://x'], domain: 'hub', inboxPrefix: '_INBOX_me', tls: { handshakeFirst: true } };
    const from = 'the nats context "leaf"';
    expect(await find({ env: { NATS_CONTEXT: 'leaf' } })).toEqual({ ...address, nkeyFile: join(home, 'me.nk'), from });
  });

  test('takes credentials, TLS, domain and inbox prefix from flags before those of a context', async () => {
    await writeContext('leaf', { url: 'tls://x', nkey: '~/me.nk', ca: '/old.pem', cert: '/c.pem', jetstream_domain: 'hub' });
    const flags = { context: 'leaf', natsCreds: '/mine.creds', tlsca: '/new.pem', tlsfirst: true, domain: 'other', inboxPrefix: '_I' };
    expect(await find({ flags })).toEqual({
      servers: ['tls://x'],
      credsFile: '/mine.creds',
      tls: { caFile: '/new.pem', certFile: '/c.pem', handshakeFirst: true },
      domain: 'other',
      inboxPrefix: '_I',
      from: 'the nats context "leaf"',
    });
  });

  test('is refused with the reason when a context is missing, broken, or uses unsupported settings', async () => {
    await writeContext('signed', { url: 'nats://x', user_jwt: 'ey' });
    await writeContext('broken', { url: 7 });
    await expect(find({ env: { NATS_CONTEXT: 'gone' } })).rejects.toThrow(
      /^the nats context "gone" cannot be read from .*gone\.json: ENOENT/,
    );
    await expect(find({ env: { NATS_CONTEXT: 'broken' } })).rejects.toThrow('url must be a string');
    await expect(find({ env: { NATS_CONTEXT: 'signed' } })).rejects.toThrow(
      'the nats context "signed" uses user_jwt, which Sequent does not support',
    );
    await expect(find({ env: { NATS_CONTEXT: 'signed' } })).rejects.toThrow(InvalidConfigurationError);
  });

  test.for([
    ['nats://host:1', { servers: ['nats://host:1'] }],
    ['host', { servers: ['host'] }],
    ['nats://[::1]:4222', { servers: ['nats://[::1]:4222'] }],
    ['nats://me:p%40ss:word@host', { servers: ['nats://host'], user: 'me', pass: 'p@ss:word' }],
    ['nats://t0ken@host', { servers: ['nats://host'], token: 't0ken' }],
  ] as const)('of the URL %s', ([url, address]) => {
    expect(readConfiguration({ env: { NATS_URL: url } }).natsUrls).toEqual([url]);
    expect(addressOf([url])).toEqual(address);
  });

  function configure({ flags = {}, env = {} }: { flags?: Record<string, unknown>; env?: Record<string, string> }) {
    return readConfiguration({ flags: { data: join(home, 'none'), ...flags }, env });
  }

  async function find(source: { flags?: Record<string, unknown>; env?: Record<string, string> }) {
    return await findNats(configure(source), { HOME: home });
  }

  async function writeContext(name: string, content: object): Promise<void> {
    await mkdir(join(home, '.config/nats/context'), { recursive: true });
    await writeFile(join(home, '.config/nats/context', `${name}.json`), JSON.stringify(content));
  }

  async function select(name: string): Promise<void> {
    await writeFile(join(home, '.config/nats/context.txt'), `${name}\n`);
  }
});
