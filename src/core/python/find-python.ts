import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The programs that the processes of functions find, before those of the worker alone: a sandbox shows them to every user. */
const SYSTEM_PATH = ['/usr/local/bin', '/usr/bin', '/bin'];
const ANSWER_WITHIN_MS = 10_000;
/** The oldest Python that the runtime supports. */
const OLDEST = [3, 6] as const;

/** Prints the version, the real executable, and the folders of its standard library and packages. */
const QUESTION = `
import sys
print(sys.version_info[0], sys.version_info[1])
print(sys.executable)
for folder in sorted({sys.base_prefix, sys.prefix}): print(folder)
`;

/** A Python of this machine. A sandbox must show the folders in `readable`, besides the system's. */
type FoundPython = { command: string; version: string; readable: readonly string[] };

export interface PythonFinder {
  /** The Python for a name such as `python3.9`: that version if this machine has it, else the one called `python3`. Throws when there is none. */
  find(name: string): Promise<FoundPython>;
}

/** Finds the Pythons of this machine, each once. A configured path takes precedence over every name. */
export function createPythonFinder(configured?: string): PythonFinder {
  const found = new Map<string, Promise<FoundPython>>();

  function ask(command: string): Promise<FoundPython> {
    const asked = found.get(command) ?? describe(command);
    found.set(command, asked);
    // Somebody may install it meanwhile.
    asked.catch(() => found.delete(command));
    return asked;
  }

  return {
    async find(name) {
      if (configured !== undefined) return await ask(configured);
      const named = findProgram(name);
      const usual = findProgram('python3');
      if (usual === undefined && named === undefined) throw new Error(NO_PYTHON);
      if (named === undefined || usual === undefined) return await ask(named ?? usual ?? name);
      // A manager of versions has a program for each version that it knows, which runs for the selected ones only.
      return await ask(named).catch(() => ask(usual));
    },
  };
}

const NO_PYTHON = 'this worker has no Python: install python3, or name one with --python';

function findProgram(name: string): string | undefined {
  const folders = [...SYSTEM_PATH, ...(process.env.PATH ?? '').split(delimiter).filter(isAbsolute)];
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Starts a Python once to learn where it is: a command may be a script that starts another one. */
async function describe(command: string): Promise<FoundPython> {
  const { stdout } = await run(command, ['-s', '-c', QUESTION], { timeout: ANSWER_WITHIN_MS }).catch((cause: Error) => {
    throw new Error(`${command} does not run: ${cause.message}`, { cause });
  });
  const [numbers = '', executable = '', ...folders] = stdout.trimEnd().split('\n');
  const [major = 0, minor = 0] = numbers.split(' ').map(Number);
  if (major !== OLDEST[0] || minor < OLDEST[1]) throw new Error(`${command} is Python ${major}.${minor}, and 3.6 or newer is needed`);
  return { command: executable, version: `${major}.${minor}`, readable: folders.filter((folder) => !folder.startsWith('/usr')) };
}
