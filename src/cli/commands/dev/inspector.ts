import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { processHost, typedCommand } from '#src/cli/host.ts';
import { say } from '#src/cli/texts/say.ts';

/** The port of the debugger of each function. A function keeps its port, so that an editor connects again after a change. */
export type InspectorPorts = { portOf(name: string): number | undefined };

const FIRST_PORT = 9_229;
/** A function beyond this number has no debugger. */
const MAX_INSPECTED = 64;

/** The ports follow the order in which the functions are first named: that of their names at the start of `dev`. */
export function createInspectorPorts(first: number = FIRST_PORT): InspectorPorts {
  const ports = new Map<string, number>();
  return {
    portOf(name) {
      const known = ports.get(name);
      if (known !== undefined || ports.size >= MAX_INSPECTED) return known;
      const port = first + ports.size;
      ports.set(name, port);
      return port;
    },
  };
}

const LAUNCH_FILE = join('.vscode', 'launch.json');

/** Writes the launch file of VS Code for these functions. An existing file stays as it is. Returns what it did, in words. */
export function writeLaunchFile(folder: string, names: readonly string[]): string {
  const path = join(folder, LAUNCH_FILE);
  if (existsSync(path)) return say('{file} exists and stays as it is', { file: LAUNCH_FILE });
  const ports = createInspectorPorts();
  const start = {
    name: 'sequent dev',
    type: 'node-terminal',
    request: 'launch',
    command: `${typedCommand(processHost.env)} dev --inspect`,
  };
  const attach = names.map((name) => ({
    ...{ name: `attach to ${name}`, type: 'node', request: 'attach', address: '127.0.0.1', port: ports.portOf(name) },
    // A function that was saved runs in a new process on the same port.
    restart: true,
    skipFiles: ['<node_internals>/**'],
  }));
  const compounds = [{ name: 'all functions', configurations: attach.map(({ name }) => name) }];
  mkdirSync(join(folder, '.vscode'), { recursive: true });
  writeFileSync(path, `${JSON.stringify({ version: '0.2.0', configurations: [start, ...attach], compounds }, null, 2)}\n`);
  return say('wrote {file}', { file: LAUNCH_FILE });
}
