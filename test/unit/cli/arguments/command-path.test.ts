import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { commandPath } from '#src/cli/arguments/command-path.ts';
import { createProgram } from '#src/cli/program.ts';

// These arguments load every command.
const program = await createProgram('0.0.0', ['complete']);

function pathsBelow(command: Command, path: readonly string[] = []): string[][] {
  return command.commands.flatMap((sub) =>
    [sub.name(), ...sub.aliases()].flatMap((name) => [[...path, name], ...pathsBelow(sub, [...path, name])]),
  );
}

describe('the command that an error advises the help of', () => {
  test('is each command of the program, whatever follows it', () => {
    const paths = pathsBelow(program);
    expect(paths.length).toBeGreaterThan(40);
    for (const path of paths) expect(commandPath(program, [...path, '--nope', 'x'])).toBe(`sequent ${path.join(' ')}`);
  });

  test('is found behind options of the program, with their values', () => {
    expect(commandPath(program, ['--server', 'ls', '-o', 'json', '--json', 'archive', '--data', 'fn', 'ls', '--nope'])).toBe(
      'sequent archive ls',
    );
    expect(commandPath(program, ['--server=ls', 'cancel', 'get'])).toBe('sequent cancel');
  });

  test('is the group when it has no such command, and the program when there is none at all', () => {
    expect(commandPath(program, ['archive', 'nope'])).toBe('sequent archive');
    expect(commandPath(program, ['nope', 'ls'])).toBe('sequent');
    expect(commandPath(program, [])).toBe('sequent');
  });
});
