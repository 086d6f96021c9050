import { createHash } from 'node:crypto';
import { describe, expect } from 'vitest';
import { type Reply, refusalOf } from '#test/support/conformance/sdk.ts';
import { OWN, type System, startSystem } from '#test/support/conformance/system.ts';
import { zipOf } from '#test/support/gateway/zip-archive.ts';
import { hasPython } from '#test/support/hosts/python.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';

/* Functions, code, versions, aliases and quotas: the calls that manage functions. */

const test = sharedByFile(startSystem);
let system: System;
test.beforeAll(({ sequent: own }) => {
  system = own;
});

const base64 = (content: string | Buffer): string => Buffer.from(content).toString('base64');
const saying = (text: string): string => `exports.handler = async () => ${JSON.stringify(text)};`;
const wanted = (name: string, facts: object = {}) => ({
  func_name: name,
  package: 'default',
  runtime: 'Node.js18.15',
  timeout: 30,
  handler: 'index.handler',
  memory_size: 256,
  code_type: 'inline',
  func_code: { file: base64(saying(name)) },
  ...facts,
});
const create = (name: string, facts: object = {}): Promise<Reply> => system.sdk.createFunction({ body: wanted(name, facts) });
let calls = 0;
/** The result of the function. Every call differs, because equal calls that take seconds would be refused as replays. */
const says = async (urn: string): Promise<string> =>
  (await system.sdk.invokeFunction({ function_urn: urn, 'X-CFF-Request-Version': 'v1', body: { call: calls++ } })).result;
const at = (urn: string, qualifier: string): string => urn.replace(/latest$/, qualifier);
const SECONDS = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

describe('a function', () => {
  test.skipIf(!hasPython)('is created, shown, changed and invoked in Python', async () => {
    const python = (text: string) => base64(`def handler(event, context):\n    return '${text} ' + context.getFunctionName()\n`);
    const made = await create('snake', { runtime: 'Python3.9', func_code: { file: python('first') } });
    expect(made).toMatchObject({ runtime: 'Python3.9', code_filename: 'index.py', handler: 'index.handler' });
    expect(await says(made.func_urn)).toBe('first snake');
    const code = { code_type: 'inline', func_code: { file: python('second') } };
    expect(await system.sdk.updateFunctionCode({ function_urn: made.func_urn, body: code })).toMatchObject({ runtime: 'Python3.9' });
    expect(await says(made.func_urn)).toBe('second snake');
    expect(await system.sdk.showFunctionCode({ function_urn: made.func_urn })).toMatchObject({
      runtime: 'Python3.9',
      func_code: { file: python('second') },
    });
  });

  test('is created with status 200, and shown with every field that the vendor shows', async () => {
    const code = saying('made');
    const { httpStatusCode, ...made } = await create('made', {
      func_code: { file: base64(code) },
      description: 'a text',
      user_data: '{"k":"v"}',
    });
    expect(httpStatusCode).toBe(200);
    expect(made).toMatchObject({
      func_urn: `urn:fss:local:${OWN.project}:function:default:made:latest`,
      func_name: 'made',
      domain_id: expect.any(String),
      namespace: OWN.project,
      project_name: expect.any(String),
      package: 'default',
      runtime: 'Node.js18.15',
      timeout: 30,
      handler: 'index.handler',
      memory_size: 256,
      cpu: 400,
      code_type: 'inline',
      code_filename: 'index.js',
      code_size: code.length,
      digest: createHash('sha512').update(code).digest('hex'),
      version: 'latest',
      image_name: '',
      last_modified: expect.stringMatching(SECONDS),
      strategy_config: { concurrency: 400, concurrent_num: 1 },
      user_data: '{"k":"v"}',
      description: 'a text',
    });
    const { httpStatusCode: _, ...shown } = await system.sdk.showFunctionConfig({ function_urn: made.func_urn });
    expect(shown).toEqual(made);
    expect(await refusalOf(create('made'))).toMatchObject({ httpStatusCode: 409, errorCode: 'FSS.1061' });
  });

  test.for<[string, object, string]>([
    ['a name that begins with a digit', { func_name: '1st' }, 'FSS.1002'],
    ['a name of 61 characters', { func_name: 'a'.repeat(61) }, 'FSS.1002'],
    ['a handler without a dot', { handler: 'index' }, 'FSS.1003'],
    ['an invalid package', { package: 'a b' }, 'FSS.1004'],
    ['another runtime', { runtime: 'Go1.x' }, 'FSS.1005'],
    ['code in a jar', { code_type: 'jar' }, 'FSS.1006'],
    ['an image', { code_type: 'Custom-Image-Swr' }, 'FSS.1006'],
    ['an unsupported memory size', { memory_size: 100 }, 'FSS.1007'],
    ['a timeout of 2 seconds', { timeout: 2 }, 'FSS.1008'],
    ['a timeout of more than three days', { timeout: 259_201 }, 'FSS.1008'],
    ['user data that is no JSON', { user_data: 'k=v' }, 'FSS.1009'],
    ['code that is no base64', { func_code: { file: '???' } }, 'FSS.1011'],
    ['a description of 513 characters', { description: 'x'.repeat(513) }, 'FSS.1019'],
  ])('is refused with %s', async ([, facts, errorCode]) => {
    expect(await refusalOf(create('refused', facts))).toMatchObject({ httpStatusCode: 400, errorCode });
  });

  test('is refused if its zip contains a path out of its folder, or is invalid', async () => {
    for (const name of ['../escaped.js', '/escaped.js', 'a/../../escaped.js']) {
      const file = base64(zipOf([{ name, content: '1' }]));
      expect(await refusalOf(create('escaping', { code_type: 'zip', func_code: { file } }))).toMatchObject({ httpStatusCode: 400 });
    }
    const none = { code_type: 'zip', func_code: { file: base64('no zip') } };
    expect(await refusalOf(create('escaping', none))).toMatchObject({ httpStatusCode: 400 });
    expect(await refusalOf(create('large', { func_code: { file: base64('x'.repeat(10_241)) } }))).toMatchObject({
      httpStatusCode: 413,
      errorCode: 'FSS.1072',
    });
  });

  test('is listed by a part of its name and by its package, page by page', async () => {
    for (const name of ['listed-a', 'listed-b', 'listed-c']) await create(name, { package: name === 'listed-c' ? 'other' : 'default' });
    const list = async (query: object) => await system.sdk.listFunctions(query);
    const names = ({ functions }: Reply): string[] => functions.map(({ func_name }: Reply) => func_name);
    expect(names(await list({ func_name: 'listed' }))).toEqual(['listed-a', 'listed-b', 'listed-c']);
    expect(names(await list({ func_name: 'listed', package_name: 'other' }))).toEqual(['listed-c']);
    const first = await list({ func_name: 'listed', maxitems: '2' });
    expect([names(first), first.count, first.next_marker]).toEqual([['listed-a', 'listed-b'], 3, 2]);
    expect(names(await list({ func_name: 'listed', maxitems: '2', marker: '2' }))).toEqual(['listed-c']);
    expect((await system.other.listFunctions({ func_name: 'listed' })).functions).toEqual([]);
    expect(await refusalOf(list({ maxitems: '-1' }))).toMatchObject({ httpStatusCode: 400 });
  });

  test('runs its current code, which is shown as it was sent', async () => {
    const archive = zipOf([
      { name: 'index.mjs', content: "import { text } from './lib/text.mjs';\nexport const handler = async () => text;" },
      { name: 'lib/text.mjs', content: "export const text = 'from a module';" },
    ]);
    const { func_urn: urn, digest } = await create('coded', { code_type: 'zip', func_code: { file: base64(archive) } });
    expect(await says(urn)).toBe('from a module');
    const shown = await system.sdk.showFunctionCode({ function_urn: urn });
    expect([shown.digest, shown.func_code.file, shown.code_type]).toEqual([digest, base64(archive), 'zip']);
    const body = { code_type: 'inline', func_code: { file: base64(saying('inline')) } };
    const changed = await system.sdk.updateFunctionCode({ function_urn: urn, body });
    expect(changed).toMatchObject({ func_urn: urn, code_type: 'inline', depend_list: [] });
    expect(changed.digest).not.toBe(digest);
    expect(await says(urn)).toBe('inline');
  });

  test('has its last configuration', async () => {
    const { func_urn: urn } = await create('configured');
    const {
      code_type: _,
      func_code: __,
      package: ___,
      ...config
    } = wanted('configured', { timeout: 60, memory_size: 512, description: 'new' });
    expect(await system.sdk.updateFunctionConfig({ function_urn: urn, body: config })).toMatchObject({
      httpStatusCode: 200,
      timeout: 60,
      memory_size: 512,
      cpu: 600,
      description: 'new',
    });
    for (const [max_instance_num, status] of [
      [1_000, 200],
      [-1, 200],
      [1_001, 400],
      [-2, 400],
    ] as const) {
      const set = system.sdk.updateFunctionMaxInstanceConfig({ function_urn: urn, body: { max_instance_num } });
      expect(status === 200 ? (await set).strategy_config.concurrency : (await refusalOf(set)).httpStatusCode).toBe(
        status === 200 ? max_instance_num : 400,
      );
    }
  });
});

describe('a version', () => {
  test('is a copy of latest, is refused without a change, and is deleted alone', async () => {
    const { func_urn: urn } = await create('published');
    const publish = (body: object = {}): Promise<Reply> => system.sdk.createFunctionVersion({ function_urn: urn, body });
    expect(await publish()).toMatchObject({ httpStatusCode: 200, version: expect.stringMatching(/^v\d{8}-\d{6}$/) });
    expect(await refusalOf(publish())).toMatchObject({ httpStatusCode: 400, errorCode: 'FSS.1016' });
    await system.deployCode(urn, saying('second'));
    expect(await publish({ version: 'v2', description: 'a text' })).toMatchObject({ version: 'v2', version_description: 'a text' });
    await system.deployCode(urn, saying('third'));
    expect(await refusalOf(publish({ version: 'v2' }))).toMatchObject({ httpStatusCode: 409, errorCode: 'FSS.1062' });
    expect([await says(at(urn, 'v2')), await says(urn)]).toEqual(['second', 'third']);
    const listed = await system.sdk.listFunctionVersions({ function_urn: urn });
    expect([listed.count, listed.versions.map(({ version }: Reply) => version).slice(0, 2)]).toEqual([3, ['latest', 'v2']]);
    expect(await system.sdk.deleteFunction({ function_urn: at(urn, 'v2') })).toEqual({ httpStatusCode: 204 });
    expect(await refusalOf(system.sdk.showFunctionConfig({ function_urn: at(urn, 'v2') }))).toMatchObject({ errorCode: 'FSS.1052' });
    expect(await refusalOf(system.sdk.deleteFunction({ function_urn: urn }))).toMatchObject({ httpStatusCode: 400 });
    expect(await says(urn)).toBe('third');
  });
});

describe('an alias', () => {
  test('names a version, shares by weights, is listed as a bare array, and is deleted alone', async () => {
    const { func_urn: urn } = await create('aliased');
    for (const version of ['v1', 'v2']) {
      await system.deployCode(urn, saying(version));
      await system.sdk.createFunctionVersion({ function_urn: urn, body: { version } });
    }
    const put = (name: string, version: string, facts: object = {}): Promise<Reply> =>
      system.sdk.createVersionAlias({ function_urn: urn, body: { name, version, ...facts } });
    const { httpStatusCode, ...made } = await put('live', 'v1', { description: 'a text' });
    expect([httpStatusCode, made]).toEqual([
      200,
      {
        name: 'live',
        version: 'v1',
        description: 'a text',
        last_modified: expect.stringMatching(SECONDS),
        alias_urn: at(urn, '!live'),
        additional_version_weights: {},
        additional_version_strategy: {},
      },
    ]);
    expect(await says(at(urn, '!live'))).toBe('v1');
    expect(await refusalOf(put('live', 'v2'))).toMatchObject({ httpStatusCode: 409, errorCode: 'FSS.1063' });
    expect(await refusalOf(put('again', 'v1'))).toMatchObject({ httpStatusCode: 409, errorCode: 'FSS.1066' });
    expect(await refusalOf(put('missing', 'v9'))).toMatchObject({ httpStatusCode: 404, errorCode: 'FSS.1052' });
    expect(await refusalOf(system.sdk.deleteFunction({ function_urn: at(urn, 'v1') }))).toMatchObject({
      httpStatusCode: 403,
      errorCode: 'FSS.1094',
    });

    const show = async (): Promise<Reply> => await system.sdk.showVersionAlias({ function_urn: urn, alias_name: 'live' });
    const update = (additional_version_weights: object): Promise<Reply> =>
      system.sdk.updateVersionAlias({ function_urn: urn, alias_name: 'live', body: { version: 'v1', additional_version_weights } });
    await update({ v2: 50 });
    expect((await show()).additional_version_weights).toEqual({ v2: 50 });
    const heard = await Promise.all(Array.from({ length: 40 }, () => says(at(urn, '!live'))));
    // The probability that forty requests all use one of two equal shares is one in five hundred billion.
    expect(new Set(heard)).toEqual(new Set(['v1', 'v2']));
    await update({ v2: 100 });
    expect(new Set(await Promise.all(Array.from({ length: 5 }, () => says(at(urn, '!live')))))).toEqual(new Set(['v2']));
    expect(await refusalOf(update({ v2: 101 }))).toMatchObject({ httpStatusCode: 400 });

    const listed = await system.sdk.listVersionAliases({ function_urn: urn });
    expect([Array.isArray(listed), listed.map(({ name }: Reply) => name)]).toEqual([true, ['live']]);
    expect(await system.sdk.deleteVersionAlias({ function_urn: urn, alias_name: 'live' })).toEqual({ httpStatusCode: 204 });
    expect(await refusalOf(show())).toMatchObject({ httpStatusCode: 404, errorCode: 'FSS.1053' });
    expect(await says(at(urn, 'v1'))).toBe('v1');
  });
});

describe('the quotas', () => {
  test('show the number of functions of the project, and the size of their code', async () => {
    const used = async (sdk = system.sdk): Promise<Map<string, number>> =>
      new Map((await sdk.listQuotas()).quotas.resources.map(({ type, used: count }: Reply) => [type, count]));
    const before = await used();
    await create('counted');
    expect((await used()).get('fgs_func_num')).toBe((before.get('fgs_func_num') ?? 0) + 1);
    expect((await used(system.other)).get('fgs_func_num')).toBe(0);
  });
});
