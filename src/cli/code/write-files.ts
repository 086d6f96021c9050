import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ZipFile } from '#src/core/zip/read-zip.ts';

/** Writes the files of a package below a folder, which need not exist. `readZip` refused paths that leave it. */
export async function writeFiles(folder: string, files: readonly ZipFile[]): Promise<void> {
  for (const { path, content, isExecutable } of files) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content, isExecutable ? { mode: 0o755 } : {});
  }
}
