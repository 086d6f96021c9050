import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { usageProblem } from '../../problem.ts';

/** The absolute path of a module. Throws when it is not there: a worker would only find out when it runs. */
export async function existingFile(path: string, folder: string): Promise<string> {
  const absolute = resolve(folder, path);
  const found = await stat(absolute).catch(() => undefined);
  if (found?.isFile()) return absolute;
  throw usageProblem(
    'the module is not there',
    `${absolute} ${found === undefined ? 'does not exist' : 'is no file'}`,
    '--file with the path of a .js, .mjs, .cjs or .ts file',
  );
}
