import { extname } from 'node:path';
import { runsFile, runtimeOf, runtimes } from '#src/core/functions/runtimes.ts';
import { CodeError } from './code-error.ts';

/** The ends of the names of the files that a process of a function runs. */
const HANDLER_FILES = [...new Set(runtimes.flatMap(({ files }) => files))];

const languages: Readonly<Record<string, string>> = {
  '.go': 'Go',
  '.rb': 'Ruby',
  '.php': 'PHP',
  '.java': 'Java',
  '.kt': 'Kotlin',
  '.rs': 'Rust',
  '.cs': 'C#',
  '.sh': 'a shell script',
  '.wasm': 'WebAssembly',
  '.json': 'JSON',
  '.jsx': 'JSX',
};

/** How the files of a handler are found. */
export type TraceOptions = {
  /** The folder outside of which the module may import nothing. */
  within?: string | undefined;
  /** The names of the modules that layers bring. They are read for code whose imports are checked by their names. */
  modules?: (() => Promise<readonly string[]>) | undefined;
};

/** Whether the name is that of a file which a process of a function runs. */
export function isHandlerFile(file: string): boolean {
  return runtimes.some((runtime) => runsFile(runtime, file)) && !/\.d\.[cm]?ts$/.test(file);
}

/** Throws `CodeError` for a file in a language without a runtime. */
export function refuseLanguage(file: string): void {
  if (isHandlerFile(file)) return;
  const language =
    languages[extname(file)] ?? (extname(file) === '' ? 'a file without an extension' : `a file of the kind ${extname(file)}`);
  const text = `this is ${language}; a handler file is JavaScript, TypeScript, Python or an executable (${HANDLER_FILES.join(', ')})`;
  const remedy = 'an executable of the name bootstrap, a NATS responder (--subject) or an HTTP endpoint (--url), in any language';
  throw new CodeError([{ text, file }], { files: [file], remedy });
}

/** Whether the file is a module of Python. */
export function isPython(file: string): boolean {
  return runtimeOf({ file }).id === 'python';
}
