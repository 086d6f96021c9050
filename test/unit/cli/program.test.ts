import { describe, expect, test, vi } from 'vitest';
import { commandTable } from '#src/cli/command-table.ts';
import { createProgram, usageOf } from '#src/cli/program.ts';

const namesFor = async (...args: string[]): Promise<string[]> => (await createProgram('0.0.0', args)).commands.map((one) => one.name());
const all = [...Object.keys(commandTable), 'help', 'completion', 'complete'];

describe('the command line', () => {
  test('lists every command in the help as the command is', async () => {
    const rows = async (...args: string[]) => (await createProgram('0.0.0', args)).commands.map((one) => [usageOf(one), one.summary()]);
    const loaded = await rows('complete');
    expect(await rows('--help')).toEqual(loaded.filter(([usage]) => usage !== 'complete [args...]'));
    expect(await rows()).toHaveLength(all.length - 1);
  });

  test('describes the options of every command in one place, and names this place in the help of a command', async () => {
    const program = await createProgram('0.0.0', ['help', 'options']);
    const written = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    await program.parseAsync(['help', 'options'], { from: 'user' });
    const text = written.mock.calls.join('');
    written.mockRestore();
    for (const { long } of program.options) expect(text).toContain(long);
    const ls = program.commands.find((one) => one.name() === 'ls');
    expect(ls?.helpInformation()).not.toContain('--nkey');
  });

  test.for<[string[], string[]]>([
    [
      ['dest', ''],
      ['ls', 'graph', 'give-up', 'dead'],
    ],
    [
      ['ls', '--sta'],
      ['--state', '--status'],
    ],
    [
      ['get', '--output', ''],
      ['table', 'json', 'jsonl', 'name'],
    ],
    [['explain', '--js'], ['--json']],
    [['fn', 'put', 'x', '--file', ''], [':0']],
  ])('completes %j', async ([words, expected]) => {
    const program = await createProgram('0.0.0', ['complete']);
    const lines: string[] = [];
    const written = vi.spyOn(process.stdout, 'write').mockImplementation((text) => lines.push(String(text)) > 0);
    const logged = vi.spyOn(console, 'log').mockImplementation((text) => void lines.push(text));
    await program.parseAsync(['complete', '--', ...words], { from: 'user' });
    written.mockRestore();
    logged.mockRestore();
    const found = lines.map((line) => line.split('\t')[0]?.trim());
    expect(found.filter((line) => line !== ':4')).toEqual(expected);
  });

  test('loads only the command that the arguments name, also behind options of the program', async () => {
    expect(await namesFor('ls', 'orders', '--json')).toEqual(['ls']);
    expect(await namesFor('--server', 'tail', '-o', 'json', '--json', 'ls', 'get')).toEqual(['ls']);
  });

  test.for([['-V'], ['inovke'], ['functions', 'ls'], ['constructor']])('loads all commands for %j', async (args) => {
    expect(await namesFor(...args)).toEqual(all);
  });
});
