import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { processHost, typedCommand } from '#src/cli/host.ts';
import { say } from '#src/cli/texts/say.ts';
import { isPortFree } from '#src/main/nats-server/launch.ts';

/** The port of the debugger of each function. A function keeps its port, so that an editor connects again after a change. */
export type InspectorPorts = {
  /** Finds the ports that are free now, for the functions that have none yet. */
  probe(): Promise<void>;
  /** `undefined` for a function without a debugger. The host of the functions may ask first. */
  portOf(name: string): number | undefined;
  /** Where to connect, in words, for the functions that were not named to this call before. */
  news(names: readonly string[]): string[];
};

const FIRST_PORT = 9_229;
const LAST_PORT = 65_535;
/** A function beyond this number has no debugger. */
const MAX_INSPECTED = 64;

/**
 * The ports follow the order in which the functions are first named: that of their names at the start of `dev`.
 *
 * A port that was given is not probed again, because the process of its function listens on it.
 */
export function createInspectorPorts({ first = FIRST_PORT, isFree = isPortFree } = {}): InspectorPorts {
  const ports = new Map<string, number>();
  /** The port that a function would have if no other program had it. */
  const replaced = new Map<string, number>();
  const told = new Set<string>();
  /** Every port below is given, or was taken by another program. */
  let next = first;
  let free: number[] = [];

  function portOf(name: string): number | undefined {
    const known = ports.get(name);
    if (known !== undefined || ports.size >= MAX_INSPECTED) return known;
    const port = free.shift();
    if (port === undefined) return undefined;
    if (port > next) replaced.set(name, next);
    next = port + 1;
    ports.set(name, port);
    return port;
  }

  return {
    portOf,
    async probe() {
      const found: number[] = [];
      const wanted = MAX_INSPECTED - ports.size;
      for (let port = next; found.length < wanted && port <= LAST_PORT; port++) if (await isFree(port)) found.push(port);
      // A port may have been given meanwhile.
      free = found.filter((port) => port >= next);
    },
    news(names) {
      return names.flatMap((name) => {
        const port = portOf(name);
        if (port === undefined || told.has(name)) return [];
        told.add(name);
        const taken = replaced.get(name);
        return taken === undefined
          ? [say('{name}: a debugger can connect to 127.0.0.1:{port}', { name, port })]
          : [say('{name}: port {taken} is taken by another program, so its debugger has {port}', { name, taken, port })];
      });
    },
  };
}

const LAUNCH_FILE = join('.vscode', 'launch.json');

/**
 * Writes the launch file of VS Code for these functions. An existing file stays as it is. Returns what it did, in words.
 *
 * The file is for later runs too, so it has the ports of a run in which no other program has one of them.
 */
export function writeLaunchFile(folder: string, names: readonly string[]): string {
  const path = join(folder, LAUNCH_FILE);
  if (existsSync(path)) return say('{file} exists and stays as it is', { file: LAUNCH_FILE });
  const start = {
    name: 'sequent dev',
    type: 'node-terminal',
    request: 'launch',
    command: `${typedCommand(processHost.env)} dev --inspect`,
  };
  const attach = names.slice(0, MAX_INSPECTED).map((name, index) => ({
    ...{ name: `attach to ${name}`, type: 'node', request: 'attach', address: '127.0.0.1', port: FIRST_PORT + index },
    // A function that was saved runs in a new process on the same port.
    restart: true,
    skipFiles: ['<node_internals>/**'],
  }));
  const compounds = [{ name: 'all functions', configurations: attach.map(({ name }) => name) }];
  mkdirSync(join(folder, '.vscode'), { recursive: true });
  writeFileSync(path, `${JSON.stringify({ version: '0.2.0', configurations: [start, ...attach], compounds }, null, 2)}\n`);
  return say('wrote {file}', { file: LAUNCH_FILE });
}
