import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { describeProcessHostIsolation } from '#test/contract/hosts/process-host-isolation.ts';
import { describeProcessHostLimits } from '#test/contract/hosts/process-host-limits.ts';
import { describeProcessHostPool } from '#test/contract/hosts/process-host-pool.ts';
import { describeProcessHostResults } from '#test/contract/hosts/process-host-results.ts';
import { driveTested, inFolder, until } from '#test/runtimes/case.ts';
import { programOf } from '#test/runtimes/programs.ts';
import { runtimeUnderTest } from '#test/support/hosts/runtime-under-test.ts';

const runtime = runtimeUnderTest('custom');

// The functions of the tests for Node.js, in the program of a custom runtime.
describeProcessHostResults(runtime);
describeProcessHostLimits(runtime);
describeProcessHostPool(runtime);
describeProcessHostIsolation(runtime);

test('the tests of the host for Node.js run in a custom runtime', () => expect(runtime.id).toBe('custom'));

test.each(['custom', 'http'] as const)(
  'drops what a program printed before an execution, also when both are read after a pause: %s',
  (form) =>
    inFolder(async (folder) => {
      const [awaited, printed] = [join(folder, 'awaited'), join(folder, 'printed')];
      await using program = driveTested(programOf(form), { export: 'printLater' });
      await program.next('ready');
      program.run(1, { id: 1, files: [awaited, printed] });
      await program.next('returned');
      process.kill(program.pid, 'SIGSTOP');
      // The kernel names the channel before the output, because it became readable first.
      program.send('ignored');
      writeFileSync(awaited, '');
      await until(() => existsSync(printed));
      program.run(2, { id: 2 });
      process.kill(program.pid, 'SIGCONT');
      expect((await program.next('returned')).slice(0, 4)).toEqual(['returned', 2, '2', '']);
      expect(program.frames.map(([type]) => type)).not.toContain('printed');
    }),
);
