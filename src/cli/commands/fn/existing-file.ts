import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { usageProblem } from '../../problem.ts';

/** The absolute path of a module. Throws when the file does not exist, because a worker would only fail at the first attempt. */
export async function existingFile(path: string, folder: string): Promise<string> {
  const absolute = resolve(folder, path);
  const found = await stat(absolute).catch(() => undefined);
  if (found?.isFile()) return absolute;
  throw usageProblem(
    'the module was not found',
    `${absolute} ${found === undefined ? 'does not exist' : 'is not a file'}`,
    '--file with the path of a .js, .mjs, .cjs or .ts file',
  );
}
