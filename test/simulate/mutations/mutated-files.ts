import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Mutation } from './mutations.ts';

/** The changed files of a mutation, by path. Throws when a text to replace does not stand in its file exactly once. */
export function mutatedFiles({ edits }: Mutation, folder: string): ReadonlyMap<string, string> {
  const changed = new Map<string, string>();
  for (const { file, from, to } of edits) {
    const text = changed.get(file) ?? readFileSync(join(folder, file), 'utf8');
    const found = text.split(from).length - 1;
    if (found !== 1) throw new Error(`the text to replace stands ${found} times in ${file}: adapt the mutation`);
    changed.set(
      file,
      text.replace(from, () => to),
    );
  }
  return changed;
}
