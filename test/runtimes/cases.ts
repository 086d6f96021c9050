import { deepStrictEqual as equal, match, ok } from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Case, type Failure, fails, inFolder, output, ready, result, returns, until } from './case.ts';

const starting: Case[] = [
  {
    title: 'loaded comes before ready',
    start: { export: 'echo' },
    check: async (program) => {
      await ready(program);
      equal(program.frames, [['loaded'], ['ready']]);
    },
  },
  {
    title: 'the initializer runs once, between loaded and ready',
    start: { export: 'countInitializations', initializer: 'initializer' },
    check: async (program) => {
      equal((await result(program)).slice(0, 3), ['returned', 1, '1']);
      program.run(2);
      equal((await program.next('returned')).slice(0, 3), ['returned', 2, '1']);
    },
  },
  fails('a missing file', { export: 'echo', file: '/nowhere/index.none' }, { frame: 'start-failed', code: 4001, message: /nowhere/ }),
  fails('a missing function', { export: 'absent' }, { frame: 'start-failed', code: 4001, message: /"absent"/ }),
  fails(
    'an initializer that fails',
    { export: 'echo', initializer: 'failingInitializer' },
    { frame: 'start-failed', code: 4201, message: /^function initialization exception: no database/ },
  ),
  fails('a missing initializer', { export: 'echo', initializer: 'absent' }, { frame: 'start-failed', code: 4201, message: /initializer/ }),
  {
    title: 'the output of a failed start comes with it',
    start: { export: 'echo', initializer: 'failingInitializer' },
    check: async (program) => {
      const [, , rest] = await program.next('start-failed');
      const printed = program.frames.map((frame) => (frame[0] === 'printed' ? frame[1] : '')).join('');
      equal(printed + rest, 'about to fail\n');
    },
  },
];

const results: Case[] = [
  returns('an object', 'echo', [{ id: 7 }, '{"id":7}']),
  returns('characters of every length', 'echo', [{ text: 'aß€😀' }, '{"text":"aß€😀"}']),
  returns('an array', 'echo', [[1, [2]], '[1,[2]]']),
  returns('a number', 'echo', [1.5, '1.5']),
  returns('null', 'returnNull', [{}, 'null']),
  returns('a text is the payload itself', 'returnText', [{}, 'hello world!']),
  returns('a synchronous handler', 'returnPlainly', [{ id: 7 }, '{"plain":7}']),
  {
    title: 'an empty payload is the event {}',
    start: { export: 'echo' },
    check: async (program) => equal((await result(program, {}, { payload: '' }))[2], '{}'),
  },
  {
    title: 'half of a pair of surrogates ends nothing',
    start: { export: 'echo' },
    check: async (program) => {
      equal((await result(program, {}, { payload: '"\\ud800"' })).slice(0, 2), ['returned', 1]);
    },
  },
  {
    title: 'a value above the limit is told by its size',
    start: { export: 'returnLarge' },
    check: async (program) => {
      const frame = await result(program, { length: 300_000 });
      equal([frame[2], frame[6]], ['', 300_000]);
    },
  },
  {
    title: 'a value at the limit arrives in full',
    start: { export: 'returnLarge', maxResultBytes: 50_000 },
    check: async (program) => equal((await result(program, { length: 50_000 }))[2], 'x'.repeat(50_000)),
  },
  {
    title: 'a value that JSON escapes much is sent in base64',
    start: { export: 'returnRepeated', maxResultBytes: 50_000 },
    check: async (program) => {
      const frame = await result(program, { text: '\u0001', count: 50_000 });
      equal([Buffer.from(String(frame[2]), 'base64').toString(), frame[6]], ['\u0001'.repeat(50_000), -1]);
    },
  },
  {
    title: 'an event of a megabyte',
    start: { export: 'echo', maxResultBytes: 2_000_000 },
    check: async (program) => equal(String((await result(program, { text: 'ß'.repeat(500_000) }))[2]).length, 500_011),
  },
  {
    title: 'a result tells its duration',
    start: { export: 'sleep' },
    check: async (program) => ok(Number((await result(program, { inMs: 50 }))[4]) >= 45),
  },
  {
    title: 'a result tells its memory when it is asked, and only then',
    start: { export: 'echo' },
    check: async (program) => {
      equal((await result(program))[5] ?? null, null);
      program.run(2, {}, { measures: true });
      const memory = Number((await program.next('returned'))[5]);
      ok(memory > 1 && memory < 1_000);
    },
  },
];

const failures: Case[] = [
  fails(
    'an error',
    { export: 'throwIt' },
    { event: { what: 'error' }, code: 4002, message: /^function invocation exception, error: bad order$/ },
  ),
  fails('an error that cannot be read', { export: 'throwIt' }, { event: { what: 'hostile' }, code: 4002, message: /cannot be read/ }),
  fails('a value that is no JSON', { export: 'returnCycle' }, { code: 4002, message: /cannot be written as JSON/ }),
  {
    title: 'an error has the frames of the handler',
    start: { export: 'throwIt' },
    check: async (program) => {
      const failure = (await result(program, { what: 'error' }))[2] as Failure;
      equal([failure.errorType, failure.stackTrace.some((line) => line.includes('handlers.'))], ['TypeError', true]);
    },
  },
  {
    title: 'an error says that no attempt follows',
    start: { export: 'throwWith' },
    check: async (program) => equal(((await result(program, { retryable: false }))[2] as { retryable?: boolean }).retryable, false),
  },
  {
    title: 'an error says when the next attempt follows',
    start: { export: 'throwWith' },
    check: async (program) => equal(((await result(program, { retryAfter: 1.5 }))[2] as { retryAfterInMs?: number }).retryAfterInMs, 1_500),
  },
  {
    title: 'an event that is no JSON fails, and the next execution runs',
    start: { export: 'echo' },
    check: async (program) => {
      equal((await result(program, {}, { payload: '{' }))[0], 'failed');
      program.run(2);
      equal((await program.next('returned'))[1], 2);
    },
  },
];

const outputs: Case[] = [
  { title: 'printed lines', start: { export: 'print' }, check: async (program) => equal(await output(program, { text: 'ß' }), 'ß\n') },
  {
    title: 'the logger of the context writes time, request id and level',
    start: { export: 'log' },
    check: async (program) => match(await output(program, {}), /^\S+Z r-1 \[info\] one \{"two":2\}\n\S+Z r-1 \[error\] three\n$/),
  },
  {
    title: 'the end of much output is kept, and the lines before it are counted',
    start: { export: 'printRepeated' },
    check: async (program) => {
      const text = await output(program, { text: 'line\n', count: 100_000 });
      ok(text.endsWith('line\n') && text.length >= 4_096 && text.length <= 100_000);
      ok(program.frames.reduce((sum, frame) => sum + (frame[0] === 'printed' ? Number(frame[2] ?? 0) : 0), 0) > 90_000);
    },
  },
  {
    title: 'output between executions is dropped',
    start: { export: 'printLater' },
    check: (program) =>
      inFolder(async (folder) => {
        const [awaited, printed] = [join(folder, 'awaited'), join(folder, 'printed')];
        await result(program, { id: 1, files: [awaited, printed] });
        writeFileSync(awaited, '');
        await until(() => existsSync(printed));
        program.run(2, { id: 2 });
        equal((await program.next('returned')).slice(0, 4), ['returned', 2, '2', '']);
        ok(!program.frames.some((frame) => frame[0] === 'printed'));
      }),
  },
  {
    title: 'output is sent while the handler runs',
    start: { export: 'spin' },
    check: async (program) => {
      await ready(program);
      program.run(1, { inMs: 300_000 });
      // A runtime may send the end of the line later.
      match(String((await program.next('printed'))[1]), /^before the loop/);
    },
  },
];

const order: Case[] = [
  {
    title: 'executions run in their order, one after another',
    start: { export: 'echo' },
    check: async (program) => {
      await ready(program);
      for (let id = 1; id <= 200; id++) program.run(id, id);
      for (let id = 1; id <= 200; id++) equal((await program.next('returned')).slice(0, 3), ['returned', id, String(id)]);
    },
  },
  {
    title: 'a recall gives back all but the first, also when none has started',
    start: { export: 'sleep' },
    check: async (program) => {
      await ready(program);
      for (const id of [1, 2, 3]) program.run(id, { inMs: 300 });
      program.send('recall');
      equal(await program.next('recalled'), ['recalled', [2, 3]]);
      equal((await program.next('returned'))[1], 1);
    },
  },
  {
    title: 'a recall without executions is answered',
    start: { export: 'echo' },
    check: async (program) => {
      await ready(program);
      program.send('recall');
      equal(await program.next('recalled'), ['recalled', []]);
    },
  },
  {
    title: 'an abort gives back an execution that has not started, and the others stay',
    start: { export: 'sleep' },
    check: async (program) => {
      await ready(program);
      for (const id of [1, 2, 3]) program.run(id, { inMs: 200 });
      program.send('abort', 2);
      equal(await program.next('withdrawn'), ['withdrawn', [2]]);
      equal([(await program.next('returned'))[1], (await program.next('returned'))[1]], [1, 3]);
    },
  },
  {
    title: 'an abort reaches the handler that runs',
    start: { export: 'untilAborted' },
    check: (program) =>
      inFolder(async (folder) => {
        await ready(program);
        program.run(1, { id: 1, file: join(folder, 'started') });
        await until(() => existsSync(join(folder, 'started')));
        program.send('abort', 1);
        equal((await program.next('returned', 'failed'))[2], 'noticed');
      }),
  },
];

const ends: Case[] = [
  {
    title: 'a handler that ends the process is named in the last frame',
    start: { export: 'exit' },
    check: async (program) => {
      await ready(program);
      program.run(1, { code: 3 });
      equal([await program.ended, program.frames.at(-1)], [3, ['exiting', 1]]);
    },
  },
];

/** The cases of the protocol. A program needs the functions of `test/support/hosts/handlers.mjs` in its language. */
export const cases: readonly Case[] = [...starting, ...results, ...failures, ...outputs, ...order, ...ends];
