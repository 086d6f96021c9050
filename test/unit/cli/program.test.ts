import { describe, expect, test } from 'vitest';
import { commandTable } from '#src/cli/command-table.ts';
import { createProgram } from '#src/cli/program.ts';

const namesFor = async (...args: string[]): Promise<string[]> => (await createProgram('0.0.0', args)).commands.map((one) => one.name());
const all = Object.keys(commandTable);

describe('the command line', () => {
  test('has every command under the name that the command has itself', async () => {
    expect(await namesFor()).toEqual(all);
  });

  test('loads only the command that the arguments name, also behind options of the program', async () => {
    expect(await namesFor('ls', 'orders', '--json')).toEqual(['ls']);
    expect(await namesFor('--server', 'tail', '-o', 'json', '--json', 'ls', 'get')).toEqual(['ls']);
  });

  test.for([[], ['--help'], ['-V'], ['inovke'], ['functions', 'ls'], ['constructor']])('loads all commands for %j', async (args) => {
    expect(await namesFor(...args)).toEqual(all);
  });
});
