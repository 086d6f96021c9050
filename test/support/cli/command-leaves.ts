import type { Command } from 'commander';
import { createProgram } from '#src/cli/program.ts';
import { changingCommands, elsewhere, inBulk, reading, rehearsedOnly } from './command-effects.ts';

export type Leaf = { name: string; command: Command };

/** Every command that has no commands below it, or an action of its own. */
export async function everyLeaf(): Promise<Leaf[]> {
  return leavesOf(await createProgram('0.0.0', ['complete']));
}

function leavesOf(command: Command, path = ''): Leaf[] {
  return command.commands.flatMap((one) => {
    const name = `${path}${one.name()}`;
    const own = one.commands.length === 0 || one.registeredArguments.length > 0 ? [{ name, command: one }] : [];
    return [...own, ...leavesOf(one, `${name} `)];
  });
}

const listed = (text: string): string[] => text.split(',').map((one) => one.trim());
const unchanging = [...listed(reading), ...listed(elsewhere), 'completion', 'help'];

/** A line for each command that changes something, as a person types it. */
export const changingLines: readonly string[] = [...changingCommands.map(({ line }) => line), ...rehearsedOnly, ...inBulk];

/** What is wrong with the lists: a command that no list names, or one that changes something and has no rehearsal (DRY1). */
export function unlistedAmong(leaves: readonly Leaf[]): string[] {
  return leaves
    .filter(({ name }) => !unchanging.includes(name))
    .flatMap(({ name, command }) => [
      ...(changingLines.some((line) => `${line} `.startsWith(`${name} `)) ? [] : [`${name}: no list of command-effects.ts names it`]),
      ...(command.options.some(({ long }) => long === '--dry-run') ? [] : [`${name}: it has no --dry-run`]),
    ]);
}
