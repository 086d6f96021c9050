import { expect, test } from 'vitest';
import { createMemoryKeyValue } from '#src/core/memory/memory-key-value.ts';
import { dependentDestinations, missingTargets } from '#src/functions/dependents.ts';
import { createFunctionRegistry } from '#src/functions/registry.ts';

const to = (func_urn: string) => [{ destination: 'FunctionGraph' as const, param: JSON.stringify({ func_urn }) }];

test('a removal concerns the destinations of latest, versions and aliases that name what is removed', async () => {
  const registry = createFunctionRegistry(createMemoryKeyValue());
  const put = (name: string, policy: object = {}) => registry.put({ name, handler: { kind: 'inline' }, policy });
  await put('ledger');
  await registry.publish('ledger', { version: 'v1' });
  await registry.putAlias('ledger', { name: 'prod', version: 'v1' });
  await put('billing:ledger');
  await put('till', { onSuccess: to('default:default:ledger:!prod') });
  await registry.publish('till', { version: 'v7' });
  await put('till', { onFailure: to('ledger'), onSuccess: to('billing:ledger') });
  await registry.putAlias('till', { name: 'prod', version: 'v7', policy: { onSuccess: to('default:default:ledger:v1') } });
  const entries = await registry.list();
  const found = (...removals: [name: string, qualifier?: string][]) =>
    dependentDestinations(
      entries,
      removals.map(([name, qualifier]) => ({ name, qualifier })),
    );

  expect(found(['ledger'])).toEqual([
    { from: 'till', on: 'failure', to: 'ledger' },
    { from: 'till:v7', on: 'success', to: 'ledger:!prod' },
    { from: 'till:!prod', on: 'success', to: 'ledger:v1' },
  ]);
  expect(found(['ledger', '!prod'])).toEqual([{ from: 'till:v7', on: 'success', to: 'ledger:!prod' }]);
  expect(found(['ledger'], ['till', 'v7'])).toEqual([
    { from: 'till', on: 'failure', to: 'ledger' },
    { from: 'till:!prod', on: 'success', to: 'ledger:v1' },
  ]);
  expect(found(['ledger'], ['till'])).toEqual([]);
  expect(found(['till'])).toEqual([]);
});

test('a destination of any policy that names no function, version or alias is missing (SRC5)', async () => {
  const registry = createFunctionRegistry(createMemoryKeyValue());
  const put = (name: string, policy: object = {}) => registry.put({ name, handler: { kind: 'inline' }, policy });
  await put('ledger');
  await put('till', { onSuccess: [...to('ledger'), ...to('ledger')], onFailure: to('pager') });
  await registry.publish('till', { version: 'v1' });
  await put('till', { onSuccess: to('default:default:ledger:v9') });
  await registry.putAlias('till', { name: 'prod', version: 'v1', policy: { onFailure: to('default:default:ledger:!blue') } });
  await put('shop=orders', { onSuccess: to('audit') });
  const found = async () => missingTargets(await registry.list(), (name) => name.replace('shop=', ''));
  expect((await found()).map(({ name, from, on, to: label }) => [name, from, on, label])).toEqual([
    ['shop=orders', 'orders', 'success', 'audit'],
    ['till', 'till', 'success', 'ledger:v9'],
    ['till', 'till:v1', 'failure', 'pager'],
    ['till', 'till:!prod', 'failure', 'ledger:!blue'],
  ]);
  for (const name of ['pager', 'shop=audit']) await put(name);
  await registry.publish('ledger', { version: 'v9' });
  await registry.putAlias('ledger', { name: 'blue', version: 'v9' });
  expect(await found()).toEqual([]);
});
