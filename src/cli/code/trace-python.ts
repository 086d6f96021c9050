import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { checkPython, type PythonFacts } from '#src/core/python/check-python.ts';
import { CodeError } from './code-error.ts';
import type { TraceOptions } from './languages.ts';

/**
 * Finds the local files of a Python module, in its folder or in the folder of its package. No code of the module runs.
 *
 * Throws `CodeError` with file and line when the module, or a local one that it imports, has a syntax error or needs a module that is neither in
 * the folder, nor in a layer, nor installed. A machine without Python packs the module alone, and the first attempt fails with the error.
 */
export async function tracePython(file: string, { within: root = dirname(file), modules }: TraceOptions = {}) {
  const facts = await checkPython({ root }, { entry: relative(root, file), exports: [], modules: (await modules?.()) ?? [] });
  const files = facts?.files.map((path) => join(root, path)) ?? [file];
  if (facts !== undefined && facts.issues.length > 0) throw codeError(root, facts, files);
  const mayHave = (name: string): boolean => facts === undefined || facts.names.includes(name) || facts.names.includes('*');
  const { config } = facts ?? {};
  return {
    file,
    files,
    packages: [],
    isEmpty: readFileSync(file).length === 0,
    hasExport: mayHave,
    expectExport(name: string) {
      if (mayHave(name)) return;
      const text = `the module has no function "${name}"`;
      throw new CodeError([{ text, file }], { files: [file], remedy: `def ${name}(event, context): …` });
    },
    config: typeof config === 'object' && config !== null && !Array.isArray(config) ? { ...config } : undefined,
  };
}

function codeError(root: string, { issues }: PythonFacts, files: readonly string[]): CodeError {
  const defects = issues.map(({ path, text, line, column, lineText }) => {
    const file = join(root, path);
    if (line === null) return { text, file };
    const before = (lineText ?? '').slice(0, Math.max(0, (column ?? 1) - 1));
    const place = { namespace: '', file: file.slice(1), line, column: Buffer.byteLength(before), length: 0, suggestion: '' };
    return { text, location: { ...place, lineText: lineText ?? '' } };
  });
  return new CodeError(defects, { files });
}
