import { describe, expect } from 'vitest';
import { appTest as test } from '#test/support/gateway/app-test.ts';
import { expectError, F } from '#test/support/gateway/opened-app.ts';

const urn = (packageOf: string, name: string): string => `urn:fss:local:p1:function:${packageOf}:${name}:latest`;
const wanted = (packageOf: string, name = 'report') => ({
  func_name: name,
  package: packageOf,
  runtime: 'Node.js18.15',
  timeout: 3,
  handler: 'index.handler',
  memory_size: 128,
  code_type: 'inline',
  func_code: { file: Buffer.from(`exports.handler = async () => '${packageOf}'`).toString('base64') },
});
type Shown = { func_urn: string; func_name: string; package: string };

describe('functions of one name in two packages', () => {
  test('are two functions: one is changed and deleted, and the other stays', async ({ ask, opened }) => {
    for (const packageOf of ['default', 'billing'])
      expect(await (await ask('POST', F, wanted(packageOf))).json()).toMatchObject({
        func_urn: urn(packageOf, 'report'),
        func_name: 'report',
        package: packageOf,
      });
    await expectError(await ask('POST', F, wanted('billing')), 409, 'FSS.1061');
    const { package: _, code_type: __, func_code: ___, ...config } = wanted('billing');
    expect((await ask('PUT', `${F}/billing:report/config`, { ...config, memory_size: 512 })).status).toBe(200);
    await expectError(await ask('PUT', `${F}/billing:report/config`, { ...config, func_name: 'other' }), 400, 'FSS.1002');
    expect((await ask('PUT', `${F}/${urn('billing', 'report')}/async-invoke-config`, { max_async_retry_attempts: 3 })).status).toBe(200);
    expect(await (await ask('GET', `${F}/report/config`)).json()).toMatchObject({ memory_size: 128, package: 'default' });
    expect(await (await ask('GET', `${F}/p1:billing:report/config`)).json()).toMatchObject({ memory_size: 512, package: 'billing' });
    await expectError(await ask('GET', `${F}/report/async-invoke-config`), 404, 'FSS.0404');
    expect(await (await ask('GET', `${F}/billing:report/async-invoke-config`)).json()).toMatchObject({
      func_urn: urn('billing', 'report'),
    });

    expect((await ask('POST', `${F}/${urn('billing', 'report')}/invocations-async`, {})).status).toBe(202);
    expect((await ask('POST', `${F}/default:report/invocations-async`, {})).status).toBe(202);
    expect(opened.sent.map(({ name }) => name)).toEqual(['billing:report', 'report']);

    expect((await ask('DELETE', `${F}/billing:report`)).status).toBe(204);
    await expectError(await ask('GET', `${F}/billing:report/config`), 404, 'FSS.1051');
    expect((await ask('GET', `${F}/report/config`)).status).toBe(200);
  });

  test('are listed with their packages, and by a package', async ({ ask }) => {
    for (const packageOf of ['default', 'billing', 'sales']) await ask('POST', F, wanted(packageOf));
    const list = async (query: string): Promise<string[]> => {
      const { functions } = (await (await ask('GET', `${F}?${query}`)).json()) as { functions: Shown[] };
      return functions.map((one) => `${one.package} ${one.func_name} ${one.func_urn}`);
    };
    const line = (packageOf: string): string => `${packageOf} report ${urn(packageOf, 'report')}`;
    expect(await list('func_name=report')).toEqual([line('billing'), line('default'), line('sales')]);
    expect(await list('package_name=sales')).toEqual([line('sales')]);
    expect(await list('func_name=sales')).toEqual([]);
  });

  test('have versions and aliases for themselves', async ({ ask }) => {
    for (const packageOf of ['default', 'billing']) await ask('POST', F, wanted(packageOf));
    expect(await (await ask('POST', `${F}/billing:report/versions`, { version: 'v1' })).json()).toMatchObject({
      func_urn: 'urn:fss:local:p1:function:billing:report:v1',
    });
    expect(await (await ask('POST', `${F}/billing:report/aliases`, { name: 'live', version: 'v1' })).json()).toMatchObject({
      alias_urn: 'urn:fss:local:p1:function:billing:report:!live',
    });
    expect((await ask('GET', `${F}/p1:billing:report:!live/config`)).status).toBe(200);
    await expectError(await ask('GET', `${F}/p1:default:report:!live/config`), 404, 'FSS.1053');
  });

  test('are two nodes of the graph, also when a version has the name of a function', async ({ ask, opened }) => {
    const param = (func_urn: string): string => JSON.stringify({ func_urn });
    const to = (func_urn: string) => ({ onSuccess: [{ destination: 'FunctionGraph' as const, param: param(func_urn) }] });
    const handler = { kind: 'inline' as const };
    await opened.registry.put({ name: 'billing', handler });
    await opened.registry.publish('billing', { version: 'report' });
    await opened.registry.put({ name: 'billing:report', handler, policy: to('test1') });
    await opened.registry.put({ name: 'sales:report', handler, policy: to('billing:report') });
    const { nodes, edges, loops } = (await (await ask('GET', '/api/destinations/graph')).json()) as {
      nodes: { id: string; function: string }[];
      edges: { from: string; to: string }[];
      loops: string[][];
    };
    expect(nodes.map(({ id, function: fn }) => `${id} ${fn}`).sort()).toEqual([
      'billing billing',
      'billing:report billing',
      'billing:report:latest billing:report',
      'sales:report:latest sales:report',
      'test1 test1',
    ]);
    expect(edges.map((edge) => `${edge.from} ${edge.to}`).sort()).toEqual([
      'billing:report:latest test1',
      'sales:report:latest billing:report:latest',
    ]);
    expect(loops).toEqual([]);
    await expect(opened.registry.put({ name: 'test1', handler, policy: to('sales:report') })).rejects.toThrow(
      'test1 → sales:report → billing:report → test1',
    );
  });
});
