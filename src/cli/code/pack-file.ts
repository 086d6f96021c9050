import { readFileSync } from 'node:fs';
import { basename, dirname, join, relative, sep } from 'node:path';
import { isProgram } from '#src/core/functions/runtimes.ts';
import { parseJson } from '#src/core/json/json.ts';
import { digestOf } from '#src/core/ports/stores/code-packages.ts';
import type { ZipFile } from '#src/core/zip/read-zip.ts';
import { writeZip } from '#src/core/zip/write-zip.ts';
import { CodeError } from './code-error.ts';
import { filesIn, packageSize } from './folder-files.ts';
import { isPython } from './languages.ts';
import { placePackages } from './place-packages.ts';
import { nearestPackageJson, type TracedModule } from './trace-module.ts';

/** The code of a handler file as a package: what `fn put --file` stores (rule CODE1). */
export type PackedFile = {
  archive: Buffer;
  digest: string;
  /** The path of the handler file in the package. */
  entry: string;
  /** The folder whose files the package holds under the same relative paths. */
  root: string;
};

/**
 * Packs a handler file with the local files and the npm packages that it imports. Equal files give an equal digest.
 *
 * `provided` is a `node_modules` folder that the code sees where it runs; its packages are left out. Throws when the files are too many or
 * too large for a package.
 */
export async function packFile(traced: TracedModule, provided?: string): Promise<PackedFile> {
  const { file, files, packages } = traced;
  if (isProgram(file)) return await packProgram(file);
  const manifests = new Set(isPython(file) ? [] : files.flatMap((one) => nearestPackageJson(dirname(one)) ?? []));
  const root = commonFolder([...files, ...manifests]);
  const inArchive = (path: string): string => relative(root, path).split(sep).join('/');
  const packed = new Map<string, ZipFile>();
  const add = (added: ZipFile): unknown => packed.set(added.path, added);
  for (const manifest of manifests) add({ path: inArchive(manifest), content: moduleFields(manifest) });
  for (const one of files) add({ path: inArchive(one), content: readFileSync(one) });
  const imports = packages.map(({ name, importer }) => ({ at: dirname(inArchive(importer)).replace(/^\.$/, ''), from: importer, name }));
  const size = packageSize(`the code of ${basename(file)}`);
  for (const { content } of packed.values()) size.add(content.length);
  for (const [path, folder] of placePackages(imports, provided))
    for (const one of await filesIn(folder, { size, withoutModules: true })) add({ ...one, path: `${path}/${one.path}` });
  const archive = await writeZip([...packed.values()]);
  return { archive, digest: digestOf(archive), entry: inArchive(file), root };
}

/** The folder of a program, whose files keep whether they are executable. */
async function packProgram(file: string): Promise<PackedFile> {
  const root = dirname(file);
  const archive = await writeZip(await filesIn(root));
  return { archive, digest: digestOf(archive), entry: basename(file), root };
}

/** The fields of a package.json by which Node loads modules. The others, such as the version, would change the digest for no reason. */
function moduleFields(manifest: string): Buffer {
  const fields = parseJson(readFileSync(manifest, 'utf8'));
  if (typeof fields !== 'object' || fields === null)
    throw new CodeError([{ text: 'this is no JSON object, and Node reads it to load the function', file: manifest }], {
      files: [manifest],
    });
  const { name, type, imports, exports } = fields as Record<string, unknown>;
  return Buffer.from(JSON.stringify({ name, type, imports, exports }));
}

function commonFolder(paths: readonly string[]): string {
  let common = dirname(paths[0] ?? sep);
  for (const path of paths) while (!path.startsWith(join(common, sep))) common = dirname(common);
  return common;
}
