import { lstat, readdir, readFile } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';
import { messageOf } from '#src/core/errors.ts';
import { ZIP_LIMITS, type ZipFile } from '#src/core/zip/read-zip.ts';
import { usageProblem } from '../problem.ts';

/** Files that tools create for themselves, and links to commands, which no code imports. */
const excluded = /(?:^|\/)(?:\.git|\.sequent|__pycache__|node_modules\/\.bin|node_modules\/\.cache)(?:\/|$)/;

/** Counts the files and bytes of a package. `add` throws when they are too many. */
export type PackageSize = { add(bytes: number): void };

export function packageSize(what: string): PackageSize {
  let files = 0;
  let total = 0;
  return {
    add(bytes) {
      files += 1;
      total += bytes;
      if (files <= ZIP_LIMITS.entries && total <= ZIP_LIMITS.totalBytes) return;
      const why = `it has more than ${ZIP_LIMITS.entries} files or ${ZIP_LIMITS.totalBytes} bytes`;
      throw usageProblem(`${what} cannot be packed`, why, 'code that imports fewer packages, or a folder that holds only the code');
    },
  };
}

type Options = {
  size?: PackageSize;
  /** For a package of npm: leaves out links, and its `node_modules`, because its dependencies are placed one by one. */
  withoutModules?: boolean;
};

/** The files of a folder and of its folders, by their relative paths. Throws for a link or a special file. */
export async function filesIn(
  folder: string,
  { size = packageSize('the folder'), withoutModules = false }: Options = {},
): Promise<ZipFile[]> {
  const root = resolve(folder);
  const found = await readdir(root, { recursive: true }).catch((cause: unknown) => {
    throw usageProblem('the folder cannot be read', messageOf(cause), '--folder with the path of a folder');
  });
  const paths = found
    .map((path) => relative(root, join(root, path)).replaceAll(sep, '/'))
    .filter((path) => !excluded.test(path) && !(withoutModules && /^node_modules(?:\/|$)/.test(path)));
  const files: ZipFile[] = [];
  for (const path of paths) {
    const stats = await lstat(join(root, path));
    if (stats.isDirectory() || (withoutModules && stats.isSymbolicLink())) continue;
    if (!stats.isFile())
      throw usageProblem('the folder cannot be packed', `${path} is neither a file nor a folder`, 'a folder that holds files only');
    size.add(stats.size);
    files.push({ path, content: await readFile(join(root, path)), ...((stats.mode & 0o100) !== 0 && { isExecutable: true }) });
  }
  return files;
}
