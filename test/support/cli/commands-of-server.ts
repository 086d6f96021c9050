import { expect } from 'vitest';
import { everyLeaf } from './command-leaves.ts';
import { everyCommand } from './every-command.ts';

/** Commands that need no server, or run until a signal. */
const withoutServer = [
  'serve',
  'mcp',
  'dev',
  'run',
  'golden check',
  'golden record',
  'completion',
  'complete',
  'help',
  'machine',
  'env',
  'nats-config',
  'nats-streams',
  'nats-permissions',
  'signing-key create',
];

/** These wait, and say that the connection is lost, until it is there again or their own time limit ends. */
export const waiting = ['invoke', 'tail', 'logs', 'result'];

export const isNamed = (command: string, names: readonly string[]): boolean => names.some((name) => `${command} `.startsWith(`${name} `));

/** A line for each command that needs a server, with an address that refuses deliveries. */
export async function commandLines(): Promise<string[]> {
  const needing = (await everyLeaf()).map(({ name }) => name).filter((name) => !withoutServer.includes(name));
  const lines = [...everyCommand.first, ...everyCommand.later];
  const found = needing.map((name) => ({ name, line: lines.find((line) => isNamed(line, [name])) }));
  expect(found.filter(({ line }) => line === undefined)).toEqual([]);
  return found.map(({ line = '' }) => line.replace('<bulk>', 'none').replace('<gone>', 'http://127.0.0.1:9'));
}
