import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { type CliRun, runCli, serveSequent } from '#test/support/cli/cli.ts';
import { changingLines } from '#test/support/cli/command-leaves.ts';
import { everyCommand } from '#test/support/cli/every-command.ts';
import { argumentsOf } from '#test/support/documented-commands.ts';
import { folderTest as test } from '#test/support/folder-fixture.ts';

/** What every command that changes something prints with --json when it fails: one object of RFC 9457 on stderr, and nothing else. */
function problemIn({ code, stdout, stderr }: CliRun): { code: string; exit_code: number } {
  const [line = '', ...more] = stderr.trimEnd().split('\n');
  expect({ stdout, more }).toEqual({ stdout: '', more: [] });
  const problem = JSON.parse(line) as Record<string, string | number>;
  expect(Object.keys(problem)).toEqual(['type', 'title', 'detail', 'code', 'exit_code', 'try']);
  expect(problem).toMatchObject({ type: `urn:sequent:problem:${problem.code}`, exit_code: code });
  for (const field of ['title', 'detail', 'code', 'try']) expect(problem[field], field).toMatch(/\S/);
  return problem as { code: string; exit_code: number };
}

/** The line with names of what does not exist. */
const withAbsentNames = (line: string): string =>
  line.replaceAll(/\b(?:rich|nightly|third|sent|import|reader|saved|none)\b(?!\.)/g, 'absent').replaceAll('<bulk>', 'absent');

describe('a command that changes something, with --json,', () => {
  test('has errors of one shape: no such option, no server, and names of what does not exist', { timeout: 300_000 }, async ({ folder }) => {
    for (const name of ['code.mjs', 'other.mjs']) await writeFile(join(folder, name), 'export const main = () => 1;\n');
    await writeFile(join(folder, 'rich.json'), '{"name":"rich","timeoutInMs":60000}');
    await writeFile(join(folder, 'master.keys'), `k1 ${Buffer.alloc(32, 1).toString('base64')}\n`);
    await mkdir(join(folder, 'folder'));
    await writeFile(join(folder, 'folder/sequent.json'), '{"functions":{"absent":{"timeoutInMs":1000}}}');
    await using sequent = await serveSequent([]);
    const failures: string[] = [];
    for (const line of changingLines) {
      const words = argumentsOf(line);
      const run = (more: readonly string[], env: Record<string, string>) => runCli([...words, ...more, '--json'], { env, cwd: folder });
      const silent = { NATS_URL: 'nats://127.0.0.1:1', SEQUENT_DATA: join(folder, 'nowhere') };
      const check = async (what: string, ran: Promise<CliRun>, codes: readonly string[]): Promise<void> => {
        const one = await ran;
        try {
          expect(codes).toContain(problemIn(one).code);
        } catch (error) {
          failures.push(`${line} (${what}): ${one.code} ${one.stdout}${one.stderr} ${String(error).split('\n')[0]}`);
        }
      };
      await check('no such option', run(['--no-such-option'], silent), ['USAGE']);
      await check('no server', run([], silent), ['NATS_UNAVAILABLE', 'USAGE', 'INVALID_INPUT']);
      const absent = await sequent.run([...argumentsOf(withAbsentNames(line)), '--json'], { cwd: folder });
      if (absent.code !== 0) await check('an absent name', Promise.resolve(absent), [codeIn(absent)]);
    }
    expect(failures).toEqual([]);
  });
});

/** One line of each command, without those whose output a shell or a person reads. */
const lines = new Map([...everyCommand.first, ...everyCommand.later].map((line) => [line.split(' ').slice(0, 2).join(' '), line]));
const ofPrograms = [...lines.values()].filter((line) => !/^(?:complete|completion|help) /.test(line));

/** What is wrong with the error of a command; `undefined` for a sound one. */
function defectOf(ran: CliRun): string | undefined {
  try {
    problemIn(ran);
    return undefined;
  } catch (error) {
    return `${ran.code} ${ran.stdout}${ran.stderr} ${String(error).split('\n')[0]}`;
  }
}

describe('every command, also one that only reads, with --json,', () => {
  test('has errors of the same shape: no such option, and no server', { timeout: 300_000 }, async ({ folder }) => {
    await writeFile(join(folder, 'order.mjs'), 'export const handler = () => 1;\n');
    const env = { NATS_URL: 'nats://127.0.0.1:1', SEQUENT_DATA: join(folder, 'nowhere') };
    const failures: string[] = [];
    for (const line of ofPrograms) {
      const words = argumentsOf(line.replace('<gone>', 'http://127.0.0.1:1').replace('<bulk>', 'none'));
      const run = (more: readonly string[]) => runCli([...words, ...more, '--json'], { env, cwd: folder });
      const [unknown, silent] = [await run(['--no-such-option']), await run([])];
      // Some need no server.
      const ran = silent.code === 0 ? [unknown] : [unknown, silent];
      failures.push(...ran.map(defectOf).flatMap((defect) => (defect === undefined ? [] : [`${line}: ${defect}`])));
    }
    expect(failures).toEqual([]);
  });
});

function codeIn({ stderr }: CliRun): string {
  return /"code":"(\w+)"/.exec(stderr)?.[1] ?? 'a code';
}
