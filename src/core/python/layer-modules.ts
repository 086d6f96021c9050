import type { CodePackages, PackageOwner } from '#src/core/ports/stores/code-packages.ts';
import { readZip } from '#src/core/zip/read-zip.ts';

/**
 * The names by which code imports from layers: those of the files and folders at their roots, without extensions. A layer that the project lacks
 * has none; the definition that names it is refused.
 */
export async function modulesOfLayers(
  packages: Pick<CodePackages, 'get'>,
  digests: readonly string[],
  owner: PackageOwner,
): Promise<string[]> {
  const names = new Set<string>();
  // One after the other: all layers of a function together can be far larger than one.
  for (const digest of digests) {
    const archive = await packages.get(digest, owner);
    for (const { path } of archive === undefined ? [] : await readZip(Buffer.from(archive))) names.add(path.split(/[/.]/, 1)[0] ?? '');
  }
  return [...names];
}
