import type { StoredCode } from '#src/gateway/api/code/code-schemas.ts';
import { request } from '../api/http.ts';

/** A file of a package, as the API receives it. */
type PackageFile = { path: string; text: string } | { path: string; base64: string };
/** Code as it is sent: an archive, or files. With `base`, the other files of that version are kept. */
export type Code = { zip: string } | { files: PackageFile[]; base?: string; removed?: string[] };

/** Stores code, and returns the handler that runs it. Throws `ApiError`, with the places of errors in the code. */
export async function storeCode(
  functionPath: string,
  code: Code & { handler: string; runtime?: string | undefined; layers?: readonly string[] },
): Promise<StoredCode['handler']> {
  return (await request<StoredCode>(`${functionPath}/packages`, { method: 'POST', body: code })).content.handler;
}

export async function readZipFile(file: File): Promise<Code> {
  return { zip: await base64Of(file) };
}

/** The files of a folder that the user chose. The name of the folder itself is no part of the paths. */
export async function readFolder(files: readonly File[]): Promise<Code> {
  const own = files.filter(({ webkitRelativePath }) => !/(?:^|\/)\.git\//.test(webkitRelativePath));
  return {
    files: await Promise.all(
      own.map(async (file) => ({ path: file.webkitRelativePath.split('/').slice(1).join('/') || file.name, base64: await base64Of(file) })),
    ),
  };
}

function base64Of(file: File): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    // The result is a data URL, whose content follows the comma. An empty file has none.
    reader.onload = () => resolve(String(reader.result).split(',')[1] ?? '');
    reader.onerror = () => reject(reader.error ?? new Error(`${file.name} cannot be read`));
    reader.readAsDataURL(file);
  });
}

/** Whether the file is the program of a custom runtime or of an HTTP function, which can be in any language. */
export function isBootstrap(path: string): boolean {
  return /^(?:.*\/)?bootstrap$/.test(path);
}

/** The names of the handler in FunctionGraph's form: the file without its extension, a dot, and the export. */
export function handlerText(file: string, exported = 'handler'): string {
  // A program gets the text of the handler as it is.
  if (isBootstrap(file)) return exported.includes('.') ? exported : `index.${exported}`;
  return `${file.replace(/\.\w+$/, '')}.${exported}`;
}
