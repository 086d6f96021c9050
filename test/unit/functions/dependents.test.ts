import { expect, test } from 'vitest';
import { createMemoryKeyValue } from '#src/core/memory/memory-key-value.ts';
import { dependentDestinations } from '#src/functions/dependents.ts';
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
