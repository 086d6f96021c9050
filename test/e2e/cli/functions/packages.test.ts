import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, vi } from 'vitest';
import { serveSequent } from '#test/support/cli/cli.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';

const PATIENCE = { timeout: 60_000, interval: 500 };
const test = sharedByFile(() => serveSequent([]));

test.beforeAll(async ({ sequent }) => {
  const folder = join(sequent.dataDir, 'code');
  await mkdir(folder);
  const code = 'export const handler = ({ n }, context) => [context.getPackage(), context.getFunctionName(), n].join(" ");\n';
  await writeFile(join(folder, 'report.mjs'), code);
  for (const name of ['report', 'billing:report', 'default:plain'])
    expect(await sequent.run(['fn', 'put', name, '--file', join(folder, 'report.mjs')])).toMatchObject({ code: 0 });
  expect(await sequent.run(['fn', 'publish', 'billing:report', 'v1'])).toMatchObject({ code: 0 });
  expect(await sequent.run(['fn', 'alias', 'set', 'billing:report', 'prod', 'v1'])).toMatchObject({ code: 0 });
});

describe('the commands on functions of a package', () => {
  test.for<[string, string]>([
    ['report', 'default report 1'],
    ['default:report', 'default report 1'],
    ['plain', 'default plain 1'],
    ['billing:report', 'billing report 1'],
    ['billing:report:v1', 'billing report 1'],
    ['billing:report:!prod', 'billing report 1'],
    ['urn:fss:local:default:function:billing:report:v1', 'billing report 1'],
  ])('invoke %s', async ([name, value], { sequent }) => {
    const { code, stdout } = await sequent.run(['invoke', name, '-d', '{"n":1}', '--wait']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${value}\n` });
  });

  test('list, show and log them under their names', async ({ sequent }) => {
    const names = await sequent.run(['fn', 'ls', '-o', 'name']);
    expect(names.stdout.split('\n')).toEqual(expect.arrayContaining(['billing:report', 'plain', 'report']));
    expect((await sequent.run(['fn', 'get', 'billing:report:v1'])).stdout).toContain('billing:report:v1');
    const invoked = await sequent.run(['invoke', 'billing:report', '-d', '{"n":2}', '--id', 'of-billing', '--wait']);
    expect(invoked).toMatchObject({ code: 0 });
    expect((await sequent.run(['timeline', 'of-billing', '--function', 'billing:report'])).stdout).toContain('billing:report');
    await vi.waitFor(async () => {
      const listed = await sequent.run(['ls', 'billing:report', '-o', 'name']);
      expect(listed.stdout.split('\n')).toContain('of-billing');
      expect((await sequent.run(['ls', 'report', '-o', 'name'])).stdout.split('\n')).not.toContain('of-billing');
    }, PATIENCE);
  });

  test('record a history in a file of its own, and follow a destination', async ({ sequent }) => {
    const golden = join(sequent.dataDir, 'golden');
    await sequent.run(['invoke', 'billing:report', '-d', '{"n":3}', '--id', 'golden-1', '--wait']);
    expect(await sequent.run(['golden', 'record', 'golden-1', '--to', golden])).toMatchObject({ code: 0 });
    expect(await readFile(join(golden, 'billing.report-golden-1.json'), 'utf8')).toContain('billing:report');

    const file = join(sequent.dataDir, 'code', 'report.mjs');
    const put = ['fn', 'put', 'first', '--file', file, '--on-success', 'FunctionGraph=billing:report'];
    expect(await sequent.run(put)).toMatchObject({ code: 0 });
    await sequent.run(['invoke', 'first', '-d', '{"n":4}', '--id', 'chain-1', '--wait']);
    await vi.waitFor(async () => expect((await sequent.run(['tree', 'chain-1'])).stdout).toContain('billing:report'), PATIENCE);
  });

  test('remove one, and leave the other', async ({ sequent }) => {
    expect(await sequent.run(['fn', 'rm', 'billing:report:!prod', '--yes'])).toMatchObject({ code: 0 });
    expect(await sequent.run(['fn', 'rm', 'billing:report:v1', '--yes'])).toMatchObject({ code: 0 });
    expect(await sequent.run(['fn', 'rm', 'billing:report', '--yes'])).toMatchObject({ code: 0 });
    expect(await sequent.run(['fn', 'get', 'billing:report'])).toMatchObject({ code: 3 });
    expect(await sequent.run(['fn', 'get', 'report'])).toMatchObject({ code: 0 });
  });
});
