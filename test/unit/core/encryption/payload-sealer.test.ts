import { createHash } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  encryptProject,
  eraseProject,
  listProjects,
  renewDataKeys,
  stopEncrypting,
  wrapDataKeysAgain,
} from '#src/core/encryption/change-project.ts';
import { type MasterKeys, parseMasterKeys } from '#src/core/encryption/master-keys.ts';
import { openTexts } from '#src/core/encryption/open-texts.ts';
import { ERASED, PayloadSealer } from '#src/core/encryption/payload-sealer.ts';
import { flowKeyOf } from '#src/core/functions/flow-key.ts';
import { decideWhenFor } from '#src/core/functions/when/decide-when.ts';
import { createMemoryKeyValue } from '#src/core/memory/memory-key-value.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';
import { surroundHost } from '#src/hosts/around/layers.ts';
import { createSealingLayer } from '#src/hosts/around/sealing-layer.ts';
import { createInlineHost } from '#src/hosts/inline-host.ts';
import { executionOf, neverAborted, processFunction } from '#test/support/hosts/executions.ts';
import { succeeded } from '#test/support/log/facts.ts';

const keysOf = (...ids: string[]): MasterKeys =>
  parseMasterKeys(ids.map((id) => `${id} ${Buffer.from(id.padEnd(32, '.')).toString('base64')}`).join('\n'), 'the keys');
const k1 = keysOf('k1');
const name = 'shop=orders';
const request = (payload: string, at = 1e12) => ({
  payload,
  fact: { type: 'queued' as const, invocation: 'i', at, function: name, qualifier: 'latest' },
});

let store: KeyValue;
beforeEach(() => {
  store = createMemoryKeyValue();
});

/** A process that has heard of every change until now. */
async function processWith(masterKeys: MasterKeys | undefined): Promise<PayloadSealer> {
  const payloads = new PayloadSealer({ masterKeys: () => masterKeys });
  await store.watch((change) => payloads.applyChange(change), new AbortController().signal);
  return payloads;
}

const heard = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('the payloads of a project', () => {
  test('are stored as they are until the project encrypts them, and again once it stops', async () => {
    const payloads = await processWith(k1);
    expect(payloads.seal(name, '{"a":1}')).toBe('{"a":1}');
    await encryptProject(store, 'shop', { keys: k1, now: 0 });
    await heard();
    const sealed = payloads.seal(name, '{"a":1}');
    expect(sealed).toMatch(/^sealed:2\.1\.[\w-]+$/);
    expect(payloads.seal('orders', '{"a":1}')).toBe('{"a":1}');
    await stopEncrypting(store, 'shop');
    await heard();
    expect(payloads.seal(name, '{"a":1}')).toBe('{"a":1}');
    expect(payloads.open(name, sealed)).toBe('{"a":1}');
  });

  test('give a flow a key that nobody guesses without the data keys, and that a renewal keeps (ENC9)', async () => {
    await encryptProject(store, 'shop', { keys: k1, now: 0 });
    await encryptProject(store, 'gym', { keys: k1, now: 0 });
    const payloads = await processWith(k1);
    const keyOf = (text: string, fn = name) =>
      flowKeyOf(
        { ...request(payloads.seal(fn, text)), fact: { ...request('').fact, function: fn } },
        { concurrency: 1, key: '$.who' },
        payloads,
      );
    const key = keyOf('{"who":"ann@example.com"}');
    expect(key).toMatch(/^hmac:[\w-]{22}$/);
    expect(key).not.toContain(createHash('sha256').update('ann@example.com').digest('base64url').slice(0, 22));
    expect([keyOf('{"who":"bob@example.com"}'), keyOf('{"who":"ann@example.com"}', 'gym=orders')]).not.toContain(key);
    await renewDataKeys(store, k1);
    await heard();
    expect(keyOf('{"who":"ann@example.com","n":2}')).toBe(key);
    await eraseProject({ store, secrets: createMemoryKeyValue() }, 'shop', { at: 1, by: 'a test' });
    await heard();
    expect(payloads.hideFlowKey(name, 'ann@example.com')).toBe('');
    await encryptProject(store, 'shop', { keys: k1, now: 2 });
    await heard();
    expect(keyOf('{"who":"ann@example.com"}')).not.toBe(key);
  });

  test('are opened for the condition of a destination, which a process without the key cannot decide (WHEN2)', async () => {
    await encryptProject(store, 'shop', { keys: k1, now: 0 });
    const payloads = await processWith(k1);
    const sealed = request(payloads.seal(name, '{"a":1}'));
    const outcome = succeeded(1, { payload: payloads.seal(name, '{"b":2}') });
    const of = (part: string, path: string) => JSON.stringify({ of: part, path, greater: 0 });
    for (const when of [of('request', '$.a'), of('response', '$.b')]) {
      expect(decideWhenFor(sealed, payloads)(when, outcome)).toEqual({ holds: true });
      const without = decideWhenFor(sealed, await processWith(undefined))(when, outcome);
      expect(without).toEqual({ holds: false, undecidable: expect.stringMatching(/payload is encrypted, and the process .* has no key/) });
    }
  });

  test('are opened for no other function or project, and by no process without the key (ENC7)', async () => {
    await encryptProject(store, 'shop', { keys: k1, now: 0 });
    await encryptProject(store, undefined, { keys: k1, now: 0 });
    const payloads = await processWith(k1);
    const sealed = payloads.seal(name, 'the text');
    for (const other of ['shop=billing', 'orders']) expect(() => payloads.open(other, sealed)).toThrow('cannot be decrypted');
    const keyless = await processWith(undefined);
    expect(() => keyless.open(name, sealed)).toThrow('this process has no key');
    expect(() => keyless.seal(name, 'the text')).toThrow('this process has no key');
    expect(openTexts(keyless, { payload: sealed }, name)).toEqual({ payload: sealed });
    expect(JSON.stringify(await Promise.all((await store.keys()).map((key) => store.get(key))))).not.toContain('the text');
  });

  test('are the same sealed text when one request is repeated, and another one for another request', async () => {
    await encryptProject(store, 'shop', { keys: k1, now: 0 });
    const payloads = await processWith(k1);
    expect(payloads.seal(name, 'x', 'one')).toBe(payloads.seal(name, 'x', 'one'));
    expect(payloads.seal(name, 'x', 'one')).not.toBe(payloads.seal(name, 'x', 'two'));
    expect(payloads.seal(name, 'x')).not.toBe(payloads.seal(name, 'x'));
  });

  test('are refused when a client without the keys sent them after the change (ENC6)', async () => {
    await encryptProject(store, 'shop', { keys: k1, now: 1_000 });
    const payloads = await processWith(undefined);
    expect(payloads.refusalOf(request('{}', 60_000))).toMatchObject({
      condition: 'InvalidRequest',
      message: expect.stringContaining('not encrypted'),
    });
    expect(payloads.refusalOf(request('{}', 500))).toBeUndefined();
    expect(payloads.refusalOf(request((await processWith(k1)).seal(name, '{}'), 60_000))).toBeUndefined();
  });

  test('need a key in each process that has texts of the project, and a process without one says so', async () => {
    await encryptProject(store, 'shop', { keys: k1, now: 1_000 });
    await encryptProject(store, undefined, { keys: k1, now: 1_000 });
    await stopEncrypting(store, undefined);
    const states = await Promise.all([k1, keysOf('k2'), undefined].map(async (keys) => (await processWith(keys)).encrypting));
    expect(states).toMatchObject([true, false, false].map((hasKey) => [{ project: 'shop', hasKey }]));
  });

  test('are opened for a reader within messages and within JSON in a text, and not by what a user wrote', async () => {
    await encryptProject(store, 'shop', { keys: k1, now: 0 });
    const payloads = await processWith(k1);
    const sealed = payloads.seal(name, 'say "hi"\n');
    const value = { id: 'i', message: `before: ${sealed}`, envelope: { response: JSON.stringify({ errorMessage: sealed }) } };
    expect(openTexts(payloads, value, name)).toEqual({
      id: 'i',
      message: 'before: say "hi"\n',
      envelope: { response: JSON.stringify({ errorMessage: 'say "hi"\n' }) },
    });
    const foreign = { function: 'billing', payload: JSON.stringify({ function: name, stolen: sealed }) };
    expect(openTexts(payloads, foreign, '')).toBe(foreign);
  });

  test('stay readable after new data keys and a new master key, which alone is needed then (ENC3)', async () => {
    await encryptProject(store, 'shop', { keys: k1, now: 0 });
    const payloads = await processWith(k1);
    const before = payloads.seal(name, 'before');
    await renewDataKeys(store, k1);
    await heard();
    const between = payloads.seal(name, 'between');
    expect(await wrapDataKeysAgain(store, keysOf('k2', 'k1'))).toBe(2);
    const rotated = await processWith(keysOf('k2'));
    expect([before, between].map((sealed) => rotated.open(name, sealed))).toEqual(['before', 'between']);
    expect(between).toMatch(/^sealed:2\.2\./);
    // A process that does not know the new master key yet keeps the data keys that it has.
    expect(payloads.open(name, payloads.seal(name, 'after'))).toBe('after');
    expect((await processWith(k1)).concerns(name)).toBe(true);
    expect(() => rotated.open(name, 'sealed:2.9.AAAA')).toThrow('this process has no key');
  });

  test('can be read by nothing after the erasure of their project; other projects stay readable (ENC8)', async () => {
    const secrets = createMemoryKeyValue();
    await secrets.put('data-key.project.shop', 'a wrapped key');
    for (const project of ['shop', undefined]) await encryptProject(store, project, { keys: k1, now: 0 });
    const payloads = await processWith(k1);
    const sealed = payloads.seal(name, 'the text');
    const other = payloads.seal('orders', 'of the own project');
    await eraseProject({ store, secrets }, 'shop', { by: 'a test', at: 5, reason: 'over' });
    await heard();
    for (const process of [payloads, await processWith(k1)]) {
      expect(() => process.open(name, sealed)).toThrow('was erased');
      expect(openTexts(process, { payload: sealed }, name)).toEqual({ payload: ERASED });
      expect(process.refusalOf(request('{}'))).toMatchObject({ message: 'the project of the function was erased' });
      expect(process.open('orders', other)).toBe('of the own project');
    }
    expect((await store.keys()).filter((key) => key.startsWith('payload-key.project.shop'))).toEqual([]);
    expect(await secrets.keys()).toEqual([]);
    await encryptProject(store, 'shop', { keys: k1, now: 6 });
    await heard();
    expect(payloads.open(name, payloads.seal(name, 'new'))).toBe('new');
    expect(() => payloads.open(name, sealed)).toThrow('was erased');
    expect(await listProjects(store)).toMatchObject([{ project: undefined }, { project: 'shop', erasures: [{ upTo: 1, by: 'a test' }] }]);
  });

  test('are missing for a process with a wrong master key, which still follows the registry', async () => {
    await encryptProject(store, 'shop', { keys: k1, now: 0 });
    const sealed = (await processWith(k1)).seal(name, 'the text');
    await store.put('payload-key.project.shop.7.k1', 'no record');
    const wrong = await processWith(parseMasterKeys(`k1 ${Buffer.from('x'.repeat(32)).toString('base64')}`, 'the keys'));
    expect(() => wrong.open(name, sealed)).toThrow('has no key');
    expect(openTexts(wrong, { payload: sealed }, name)).toEqual({ payload: sealed });
  });

  test('are neither sealed nor stored as they are while the settings cannot be read', async () => {
    await store.put('settings.project.shop', '{"v":9}');
    const payloads = await processWith(k1);
    expect(() => payloads.seal(name, 'the text')).toThrow('has no key');
  });

  test('reach the function opened, and its value, its output and its failure leave the host sealed (ENC5)', async () => {
    await encryptProject(store, undefined, { keys: k1, now: 0 });
    const payloads = await processWith(k1);
    const inline = createInlineHost(
      new Map([
        [
          'tested',
          async (event) => {
            if ((event as { fails?: true }).fails) throw new Error(`refused ${JSON.stringify(event)}`);
            return event;
          },
        ],
      ]),
    );
    const definition = processFunction({ name: 'tested' });
    const run = (event: object) => {
      const execution = executionOf(definition, {}, { payload: payloads.seal('tested', JSON.stringify(event)) });
      return surroundHost(inline, [createSealingLayer(payloads)]).execute(execution, neverAborted());
    };
    const returned = await run({ secret: 1 });
    expect(returned).toMatchObject({ kind: 'returned', payload: expect.stringMatching(/^sealed:2\./) });
    expect(openTexts(payloads, returned, 'tested')).toMatchObject({ payload: '{"secret":1}' });
    const failed = await run({ fails: true });
    expect(JSON.stringify(failed)).not.toContain('refused');
    expect(openTexts(payloads, failed, 'tested')).toMatchObject({
      failure: { message: expect.stringContaining('refused {"fails":true}') },
    });
  });
});
