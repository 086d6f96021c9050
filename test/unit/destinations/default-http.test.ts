import { describe, expect, test } from 'vitest';
import { type ConnectionsOptions, parseConnections } from '#src/destinations/connections/connections.ts';
import { createVettedHttp } from '#src/destinations/http/vetted-http.ts';
import { createHttpTarget } from '#src/destinations/targets/http.ts';
import { createObsTarget } from '#src/destinations/targets/huawei/obs.ts';
import { deliveryTo, neverAborted } from '#test/support/destinations/deliveries.ts';
import { openReceiver } from '#test/support/destinations/receiver.ts';

const place = { file: '/etc/sequent/connections.json' };

function open(options: ConnectionsOptions, input: object = {}) {
  const connections = parseConnections(input, { ownProject: 'own', place, ...options });
  const target = createHttpTarget({
    connections,
    http: createVettedHttp({ resolve: async () => [{ address: '127.0.0.1', family: 4 }] }),
  });
  const refuse = (url: string, functionName = 'orders') => target.refuse(JSON.stringify({ url }), functionName);
  return { target, refuse, connections };
}

describe('the connection http of a file that names none', () => {
  test('permits https to public addresses, for every project', () => {
    for (const defaultHttp of ['public', 'loopback'] as const) {
      const { refuse } = open({ defaultHttp });
      for (const name of ['orders', 'b=orders']) {
        expect(refuse('https://example.com/hook', name)).toBeUndefined();
        expect(refuse('https://example.com:8443/hook', name)).toBeUndefined();
        for (const url of ['http://example.com/', 'https://example.com:9000/', 'https://10.0.0.1/', 'https://169.254.169.254/'])
          expect([url, refuse(url, name)]).toEqual([url, expect.stringMatching(/^param\.url /)]);
      }
    }
  });

  test('reaches the loopback interface for the own project only, and where Sequent itself listens there only', async () => {
    await using receiver = await openReceiver();
    const url = `${receiver.url}/hook`;
    const { target, refuse } = open({ defaultHttp: 'loopback' });
    for (const own of [url, url.replace('127.0.0.1', 'localhost'), 'http://[::1]:9000/']) expect(refuse(own)).toBeUndefined();
    expect(await target.deliver(deliveryTo('HTTP', { url }), neverAborted)).toEqual({ kind: 'delivered' });
    const foreign = deliveryTo('HTTP', { url }, { functionName: 'b=orders' });
    expect(await target.deliver(foreign, neverAborted)).toMatchObject({ kind: 'dead' });
    expect(open({ defaultHttp: 'public' }).refuse(url)).toContain('does not allow http');
    expect(receiver.received).toHaveLength(1);
  });

  test('does not reach the loopback interface by a name that resolves to it', async () => {
    await using receiver = await openReceiver();
    const { target } = open({ defaultHttp: 'loopback' });
    const url = `https://inside.example.com:8443/${receiver.port}`;
    expect(await target.deliver(deliveryTo('HTTP', { url }), neverAborted)).toMatchObject({
      kind: 'dead',
      reason: expect.stringContaining('not at a public address'),
    });
  });

  test('is replaced by that of the file, and switched off by null', () => {
    expect(open({ defaultHttp: 'loopback' }, { http: { kind: 'http' } }).refuse('http://127.0.0.1:9000/')).toContain('does not allow http');
    expect(open({ defaultHttp: 'public' }, { http: null }).refuse('https://example.com/')).toContain('no connection "http"');
  });
});

describe('the refusal of a destination', () => {
  test('says which fields to write in which connection of which file', () => {
    const { refuse } = open({ defaultHttp: 'off' }, { http: { kind: 'http', hosts: ['a.example.com'] } });
    expect(refuse('https://a.example.com:9000/')).toBe(
      'param.url may not be used: port 9000 is not allowed by connection "http"; write {"ports":[9000]} in the connection "http" of ' +
        '/etc/sequent/connections.json, which takes effect within two seconds',
    );
    expect(refuse('http://a.example.com:9000/')).toContain('write {"allowHttp":true,"ports":[9000]} in the connection "http"');
    expect(refuse('https://b.example.com/')).toContain('write {"hosts":["a.example.com","b.example.com"]} in the connection "http"');
  });

  test('shows a whole connection where there is none, and how to name a file where there is none', () => {
    const { refuse } = open({ defaultHttp: 'public', place: { file: undefined } });
    expect(refuse('https://10.0.0.1:9000/')).toContain(
      '; write {"http":{"kind":"http","allowPrivate":true,"ports":[9000]}} to a file and start Sequent with --connections <file>',
    );
    const { connections } = open({});
    const obs = createObsTarget({ connections, http: createVettedHttp() });
    const problem = obs.refuse('{"bucket":"known"}', 'orders') ?? '';
    const [, text = ''] = /write (\{.*\}) in \/etc\/sequent\/connections\.json/.exec(problem) ?? [];
    expect(parseConnections(JSON.parse(text)).has('obs')).toBe(true);
  });

  test('shows the path of the file to the own project only, and no way to metadata services', () => {
    const { refuse } = open({ defaultHttp: 'public' });
    expect(refuse('https://example.com:9000/', 'b=orders')).toMatch(/; ask the operator of Sequent for \{.*"ports":\[9000\].*\}/);
    expect(refuse('https://example.com:9000/', 'b=orders')).not.toContain('/etc/sequent');
    expect(refuse('https://169.254.169.254/')).toBe(
      'param.url may not be used: 169.254.169.254 is not at a public address by connection "http"',
    );
  });
});
