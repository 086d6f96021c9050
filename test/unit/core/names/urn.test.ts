import { describe, expect, test } from 'vitest';
import { InvalidInputError } from '#src/core/errors.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import { functionUrn } from '#src/core/names/tenancy.ts';
import { parseFunctionUrn } from '#src/core/names/urn.ts';

const tenancy = { region: 'here', project: 'own' };
const full = (project: string, rest: string): string => `urn:fss:here:${project}:function:default:${rest}`;

describe('a function URN', () => {
  test.for<[string, string | undefined, string]>([
    ['a', undefined, 'latest'],
    ['default:a', undefined, 'latest'],
    ['p2:default:a', 'p2', 'latest'],
    ['p2:default:a:v1', 'p2', 'v1'],
    [full('p2', 'a'), 'p2', 'latest'],
    [full('p2', 'a:!live'), 'p2', '!live'],
  ])('%s says its project, name and qualifier', ([text, project, qualifier]) => {
    expect(parseFunctionUrn(text)).toEqual({ project, name: 'a', qualifier });
  });

  test.for<[string, string, string]>([
    ['billing:a', 'billing:a', 'latest'],
    ['p2:billing:a', 'billing:a', 'latest'],
    ['p2:billing:a:v1', 'billing:a', 'v1'],
    ['urn:fss:here:p2:function:billing:a', 'billing:a', 'latest'],
    ['urn:fss:here:p2:function:billing:a:!live', 'billing:a', '!live'],
  ])('%s says its package', ([text, name, qualifier]) => {
    expect(parseFunctionUrn(text)).toMatchObject({ name, qualifier });
    const from = 'p2=other:caller' as FunctionName;
    expect(parseFunctionUrn(text, from).name).toBe(`p2=${name}`);
    // A name alone is in the package default, whatever the package of the caller is.
    expect(parseFunctionUrn('a', from).name).toBe('p2=a');
  });

  test.for([
    '',
    ':a',
    'p2::a',
    'a b:c',
    'urn:fss:here:own:function::a',
    'p2=a',
    'default:p2=a',
    full('own', 'p2=a:latest'),
    'urn:fss:here:own:function:default',
    'a:b:c:d:e',
    full('own', 'a:v1:x'),
  ])('%s is none', (text) => expect(() => parseFunctionUrn(text)).toThrow(InvalidInputError));

  test('in the configuration of a function leads to the project of that function only', () => {
    const from = 'p2=caller' as FunctionName;
    for (const text of ['a', 'default:a', 'p2:default:a', full('p2', 'a:latest')]) expect(parseFunctionUrn(text, from).name).toBe('p2=a');
    for (const text of ['own:default:a', full('own', 'a:latest'), full('p3', 'a')])
      expect(() => parseFunctionUrn(text, from)).toThrow('names another project than p2');
    expect(parseFunctionUrn(full('own', 'a'), 'caller' as FunctionName).name).toBe('a');
    // A function of the own project never leads out of its project, whatever project the URN names.
    expect(parseFunctionUrn(full('p2', 'a'), 'caller' as FunctionName).name).toBe('a');
  });

  test('is written with the project of the function', () => {
    expect(functionUrn(tenancy, 'a', 'latest')).toBe(full('own', 'a:latest'));
    expect(functionUrn(tenancy, 'p2=a', '!live')).toBe(full('p2', 'a:!live'));
    expect(functionUrn(tenancy, 'billing:a', 'v1')).toBe('urn:fss:here:own:function:billing:a:v1');
    expect(functionUrn(tenancy, 'p2=billing:a', 'v1')).toBe('urn:fss:here:p2:function:billing:a:v1');
    // The token of a request that a client published by itself may be any text.
    expect(functionUrn(tenancy, '$x=y', 'latest')).toBe(full('own', '$x=y:latest'));
  });
});
