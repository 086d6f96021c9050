import { extname } from 'node:path';
import { runtimeOf, runtimes } from '#src/core/functions/runtimes.ts';
import { CodeError } from './code-error.ts';

/** The extensions of the modules that a process of a function loads. */
const HANDLER_EXTENSIONS = runtimes.flatMap(({ extensions }) => extensions);

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

/** Whether the extension is that of a module which a process of a function loads. */
export function isHandlerFile(file: string): boolean {
  return HANDLER_EXTENSIONS.includes(extname(file)) && !/\.d\.[cm]?ts$/.test(file);
}

/** Throws `CodeError` for a file in a language without a runtime. */
export function refuseLanguage(file: string): void {
  if (isHandlerFile(file)) return;
  const language =
    languages[extname(file)] ?? (extname(file) === '' ? 'a file without an extension' : `a file of the kind ${extname(file)}`);
  const text = `this is ${language}; a handler file is JavaScript, TypeScript or Python (${HANDLER_EXTENSIONS.join(', ')})`;
  const remedy = 'a NATS responder (--subject) or an HTTP endpoint (--url), which can be written in any language';
  throw new CodeError([{ text, file }], { files: [file], remedy });
}

/** Whether the file is a module of Python. */
export function isPython(file: string): boolean {
  return runtimeOf({ file }).id === 'python';
}
