import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { type ServedSequent, serveSequent } from '#test/support/cli/cli.ts';
import { folderTest as test } from '#test/support/folder-fixture.ts';

/** The handler computes its secrets, so that neither its code nor its event holds them. */
const code = `export const handler = async () => {
  const card = 'CARD-' + '4711'.repeat(4);
  const word = ['correct', 'horse'].join('-');
  for (let line = 0; line < 400; line++) console.log('a line of output that fills the tail', line);
  console.log('paid with', card);
  console.log('password=' + word);
  throw new Error('refused ' + card + ', password=' + word);
};`;
const card = 'CARD-4711471147114711';
const word = 'correct-horse';

/** Runs the function once, and returns its whole output as a person reads it. */
async function outputOf(sequent: ServedSequent, folder: string): Promise<string> {
  const file = join(folder, 'pay.mjs');
  await writeFile(file, code);
  await sequent.run(['fn', 'put', 'pay', '--file', file, '--max-output', '64KB']);
  await sequent.run(['invoke', 'pay', '--id', 'one', '-d', '{}', '--wait']);
  await expect.poll(async () => (await sequent.run(['get', 'one', '-o', 'name'])).stdout, { timeout: 60_000 }).toBe('notified\n');
  return (await sequent.run(['logs', 'pay', '--whole'])).stdout;
}

/** The stores of a data folder whose files hold a text. Called when no process uses the folder. */
function storesWith(dataDir: string, text: string): string[] {
  const files = readdirSync(dataDir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map((entry) => join(entry.parentPath, entry.name)).filter((path) => readFileSync(path).includes(text));
  const stores = paths.map((path) => /streams\/(\w+)/.exec(path)?.[1] ?? (/\.(?:db|sqlite)/.test(path) ? 'read model' : path));
  return [...new Set(stores)].sort();
}

test('with --redact and a file, no store holds what its patterns and the default ones find', async ({ folder }) => {
  const patterns = join(folder, 'patterns');
  await writeFile(patterns, '# cards of customers\nCARD-\\d{16}\n');
  await using sequent = await serveSequent(['--redact', patterns]);
  const output = await outputOf(sequent, folder);
  expect(output).toContain('paid with [redacted]');
  expect(output).toContain('password=[redacted]');
  expect(output).toContain('refused [redacted], password=[redacted]');
  await sequent.end('SIGTERM');
  expect([card, word].flatMap((secret) => storesWith(sequent.dataDir, secret))).toEqual([]);
});

test('with --redact off, every store holds the output as it was printed', async ({ folder }) => {
  await using sequent = await serveSequent(['--redact', 'off']);
  const output = await outputOf(sequent, folder);
  expect(output).toContain(`paid with ${card}`);
  expect(output).toContain(`password=${word}`);
  await sequent.end('SIGTERM');
  for (const secret of [card, word])
    expect(storesWith(sequent.dataDir, secret)).toEqual(
      expect.arrayContaining(['INVOCATIONS', 'OBJ_SEQUENT_PAYLOADS', 'RESULTS', 'read model']),
    );
});
