import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { driveTested, inFolder, until } from '#test/runtimes/case.ts';
import { programOf } from '#test/runtimes/programs.ts';
import { testedRuntime, testRuntime } from '#test/support/hosts/executions.ts';

// The tests of the host for Node.js, with the same functions in the program of a custom runtime.
testRuntime('custom');
await import('#test/integration/hosts/process-host-results.test.ts');
await import('#test/integration/hosts/process-host-limits.test.ts');
await import('#test/integration/hosts/process-host-pool.test.ts');
await import('#test/integration/hosts/process-host-isolation.test.ts');

test('the tests of the host for Node.js run in a custom runtime', () => expect(testedRuntime()).toBe('custom'));

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
