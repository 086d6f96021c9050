import { existsSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import type { FunctionHost } from '#src/core/ports/function-host.ts';
import { createPythonFinder } from '#src/core/python/find-python.ts';
import { createProcessHost } from '#src/hosts/pool/process-host.ts';
import { describeChannelAttacks } from '#test/contract/hosts/channel-attacks.ts';
import { describeProcessHostIsolation } from '#test/contract/hosts/process-host-isolation.ts';
import { describeProcessHostLimits } from '#test/contract/hosts/process-host-limits.ts';
import { describeProcessHostPool } from '#test/contract/hosts/process-host-pool.ts';
import { describeProcessHostResults } from '#test/contract/hosts/process-host-results.ts';
import { drive } from '#test/runtimes/drive.ts';
import { execute, executionOf, neverAborted, until } from '#test/support/hosts/executions.ts';
import { hasPython, python } from '#test/support/hosts/python.ts';
import { runtimeUnderTest } from '#test/support/hosts/runtime-under-test.ts';
import { scratchFile } from '#test/support/hosts/scratch-file.ts';

const runtime = runtimeUnderTest('python');

// The functions of `handlers.py`. The registered tests are the same without a Python, and count as skipped.
describe.skipIf(!hasPython)('functions in Python', () => {
  describeProcessHostResults(runtime);
  describeProcessHostLimits(runtime);
  describeProcessHostPool(runtime);
  describeProcessHostIsolation(runtime);
  describeChannelAttacks(runtime);

  test('the tests of the host for Node.js run in Python', () => expect(runtime.id).toBe('python'));
});

const host: FunctionHost = createProcessHost();
afterAll(() => host.close());

/** Each function has its own pool. */
function run(name: string, event?: unknown) {
  return execute(host, runtime.processFunction({ name: `f-${name}`, export: name }), event);
}

/** Drives the runtime of Python with this code. */
function driveCode(code: string) {
  const file = `${scratchFile()}.py`;
  writeFileSync(file, code);
  const runtime = fileURLToPath(new URL('../../../src/hosts/runtime/python/child.py', import.meta.url));
  return drive([python?.command ?? '', '-B', '-s', runtime], { file, export: 'handler', maxResultBytes: 16_777_216 });
}

/** Prints in a second thread as soon as the main thread sends the result. */
const printsBehindResult = `
import sys, threading
main = threading.get_ident()
def is_sending():
    frame = sys._current_frames()[main]
    while frame is not None and frame.f_code.co_name != 'send_value':
        frame = frame.f_back
    return frame is not None
def print_late(file):
    while not is_sending():
        pass
    open(file, 'w').close()
    print('too late')
def handler(event, context):
    if 'file' in event:
        threading.Thread(target=print_late, args=[event['file']]).start()
    return 'x' * event['length']
`;

describe.skipIf(!hasPython)('Python', () => {
  test('drops what a thread prints while the result before it waits in a full pipe', async () => {
    const file = scratchFile();
    await using program = driveCode(printsBehindResult);
    await program.next('ready');
    program.pause();
    program.run(1, { file, length: 1_000_000 });
    program.run(2, { length: 1 });
    await until(() => existsSync(file), 'the result is sent');
    program.resume();
    expect((await program.next('returned'))[1]).toBe(1);
    expect((await program.next('returned')).slice(0, 4)).toEqual(['returned', 2, 'x', '']);
    expect(program.frames.map(([type]) => type)).not.toContain('printed');
  });

  test('keeps the next execution when a recall comes while the result before it waits in a full pipe', async () => {
    const file = scratchFile();
    await using program = driveCode(
      "def handler(event, context):\n    open(event['file'], 'w').close()\n    return 'x' * event['length']\n",
    );
    await program.next('ready');
    program.pause();
    program.run(1, { file, length: 1_000_000 });
    program.run(2, { file, length: 1 });
    await until(() => existsSync(file), 'the first execution runs');
    program.send('recall');
    await program.read();
    program.resume();
    const answers = [await program.next('returned', 'recalled'), await program.next('returned', 'recalled')].map(([type, of]) => [
      type,
      of,
    ]);
    // On a busy machine the recall may come before the result, and then gives back the second execution.
    if (answers[0]?.[0] === 'recalled') return;
    // For the host, the second execution may have started as soon as the first one has its result.
    expect(answers).toEqual([
      ['returned', 1],
      ['recalled', []],
    ]);
    expect((await program.next('returned')).slice(0, 3)).toEqual(['returned', 2, 'x']);
  });

  test('reports an endless recursion with its last 32 frames', async () => {
    const { kind, failure } = { failure: undefined, ...(await run('throwDeep')) };
    expect({ kind, type: failure?.errorType, frames: failure?.stackTrace?.length }).toEqual({
      kind: 'failed',
      type: 'RecursionError',
      frames: 32,
    });
  });

  test('of a version that is not installed is the one called python3', async () => {
    const finder = createPythonFinder();
    expect((await finder.find('python3.99')).version).toBe((await finder.find('python3')).version);
  });

  test('gives lines of the module logging a time, a request id and a level', async () => {
    const execution = executionOf(runtime.processFunction({ export: 'logByModule' }), {}, { requestId: 'r-8' as never });
    expect((await host.execute(execution, neverAborted())).output).toMatch(/^\S+Z r-8 \[warn\] stock is low\n$/);
  });

  test('prints in a fork of its process without the runtime, and cannot write to its channel', async () => {
    expect(await run('printByFork')).toEqual({ kind: 'returned', payload: 'forked', output: 'from a fork\n' });
  });
});
