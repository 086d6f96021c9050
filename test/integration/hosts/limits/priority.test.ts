import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { PROJECT_NICENESS } from '#src/core/processes/lower-priority.mjs';
import { checkPython } from '#src/core/python/check-python.ts';
import { checkCode } from '#src/gateway/api/code/check-code.ts';
import { probeAbilities } from '#src/hosts/isolation/probe.ts';
import { readProcessTree } from '#src/hosts/isolation/process-tree.ts';
import { createSqlRunner } from '#src/main/roles/processes/sql-runner.ts';
import { contentOf, execute } from '#test/support/hosts/executions.ts';
import { attack, openSandboxedHost } from '#test/support/hosts/sandboxed-host.ts';

const abilities = await probeAbilities(100_000);
const folder = mkdtempSync(join(tmpdir(), 'sequent-priority-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const lowered = getPriority() + PROJECT_NICENESS;

/** The niceness of each process of this one whose command line has the text. */
function nicenessOf(text: string): number[] {
  const found = readProcessTree(process.pid).pids.filter((pid) => pid !== process.pid && contentOf(`/proc/${pid}/cmdline`)?.includes(text));
  return found.map((pid) => getPriority(pid));
}

/** Linux may weigh sessions against each other, and a process in its session has no other weight. */
function nicenessOfSession(text: string): string[] {
  const found = readProcessTree(process.pid).pids.filter((pid) => contentOf(`/proc/${pid}/cmdline`)?.includes(text));
  return [
    ...new Set(
      found.map((pid) =>
        readFileSync(`/proc/${pid}/autogroup`, 'latin1')
          .trim()
          .replace(/^.* nice /, ''),
      ),
    ),
  ];
}

test('each process of the sandbox of another project has less of the processors than the worker (CPU3)', async () => {
  await using host = { opened: openSandboxedHost({ mode: 'prefer', abilities, folder }), [Symbol.asyncDispose]: () => host.opened.close() };
  await execute(host.opened, attack('nothing'));
  const found = nicenessOf(folder);
  expect(found.length).toBeGreaterThan(0);
  expect(new Set(found)).toEqual(new Set([lowered]));
  if (contentOf('/proc/self/autogroup') !== undefined) expect(nicenessOfSession(folder)).toEqual([String(PROJECT_NICENESS)]);
});

const checks: Record<string, { program: string; check: () => Promise<unknown> }> = {
  JavaScript: {
    program: 'check-code-process.mjs',
    check: () =>
      checkCode([{ path: 'index.mjs', content: Buffer.from('export const handler = 1;') }], {
        entry: 'index.mjs',
        exports: ['handler'],
        modules: async () => [],
      }),
  },
  Python: {
    program: 'check_code.py',
    check: () => checkPython({ texts: { 'index.py': 'x = 1\n'.repeat(100_000) } }, { entry: 'index.py', exports: [], modules: [] }),
  },
  SQL: {
    program: 'sql-process',
    check: () => createSqlRunner()(join(folder, 'none.db'), { project: 'b', sql: 'select 1', withinMs: 30_000 } as never).catch(() => {}),
  },
};

test.for(Object.keys(checks))('a process for the %s of a caller has less of the processors than the gateway (CPU3)', async (name) => {
  const { program, check } = checks[name] as (typeof checks)[string];
  const checking = check();
  let found: number[] = [];
  await expect
    .poll(
      () => {
        found = nicenessOf(program);
        return found.length;
      },
      { interval: 1 },
    )
    .toBeGreaterThan(0);
  expect(new Set(found)).toEqual(new Set([lowered]));
  await checking;
});
