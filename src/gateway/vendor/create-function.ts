import { basename } from 'node:path';
import { z } from 'zod';
import { isFunctionName } from '#src/core/names.ts';
import { digestOf } from '../code/store.ts';
import { readZip, type ZipFile } from '../code/zip.ts';
import { HttpError } from '../http-error.ts';

export const FIELD_CODES: Readonly<Record<string, string>> = {
  func_name: 'FSS.1002',
  handler: 'FSS.1003',
  package: 'FSS.1004',
  runtime: 'FSS.1005',
  code_type: 'FSS.1006',
  memory_size: 'FSS.1007',
  timeout: 'FSS.1008',
  user_data: 'FSS.1009',
  func_code: 'FSS.1011',
  description: 'FSS.1019',
};

/** `file.function`, where the file may stand in folders of the package. */
const entryPoint = z
  .string()
  .min(3)
  .max(128)
  .regex(/^(?:[\w-]+\/)*[\w-]+(?:\.[\w-]+)*\.[A-Za-z_$][\w$]*$/, 'must be of the form file.function');

export const createFunctionSchema = z.object({
  func_name: z
    .string()
    .refine(isFunctionName, 'must be 1 to 60 letters, digits, "-" or "_", start with a letter and end with a letter or digit'),
  package: z.string().regex(/^[\w-]{1,64}$/, 'must be letters, digits, "-" and "_"'),
  runtime: z.string().regex(/^Node\.js\d+\.\d+$/, 'is not supported: only Node.js'),
  timeout: z.int().min(3).max(259_200),
  handler: entryPoint,
  memory_size: z.union(
    [128, 256, 512, 768, 1024, 1280, 1536, 1792, 2048, 2560, 3072, 3584, 4096].map((size) => z.literal(size)),
    'is none of the sizes',
  ),
  code_type: z.enum(['inline', 'zip'], 'is not supported: only inline and zip'),
  code_filename: z.string().max(255).nullish(),
  func_code: z.object({ file: z.base64('must be base64').min(1) }),
  user_data: z
    .string()
    .max(4_096)
    .transform((text, context): Record<string, string> => {
      const parsed = z.record(z.string(), z.string()).safeParse(parseJson(text));
      if (parsed.success && Object.keys(parsed.data).length <= 20) return parsed.data;
      context.addIssue({ code: 'custom', message: 'must be JSON text of at most 20 pairs of texts' });
      return z.NEVER;
    })
    .nullish(),
  description: z.string().max(512).nullish(),
  initializer_handler: z.union([z.literal(''), entryPoint]).nullish(),
});
export type CreateFunction = z.infer<typeof createFunctionSchema>;

/** `key` is what it is stored under: the same text under two file names is two packages. */
export type Package = { digest: string; key: string; bytes: number; files: ZipFile[] };

/** Inline code of more than this the vendor refuses. */
const MAX_INLINE_BYTES = 10 * 1_024;

/** Reads the code that came with the call. Throws `HttpError`, and `InvalidInputError` for an archive that cannot be used. */
export async function readPackage({ code_type, func_code, handler }: CreateFunction): Promise<Package> {
  const code = Buffer.from(func_code.file, 'base64');
  const digest = digestOf(code);
  if (code_type === 'zip') return { digest, key: digest, bytes: code.length, files: await readZip(code) };
  if (code.length > MAX_INLINE_BYTES)
    throw new HttpError({
      status: 413,
      vendorCode: 'FSS.1072',
      message: `inline code has ${code.length} bytes; at most ${MAX_INLINE_BYTES} are accepted`,
    });
  const path = `${splitHandler(handler).file}.js`;
  return { digest, key: digestOf(Buffer.from(`${path}\n${digest}`)), bytes: code.length, files: [{ path, content: code }] };
}

/** The file that the handler names, in the package: with the ending that is there. */
export function entryFile(handler: string, files: readonly ZipFile[]): string {
  const { file } = splitHandler(handler);
  const found = ['.js', '.mjs', '.cjs'].map((ending) => file + ending).find((path) => files.some((one) => one.path === path));
  return found ?? `${file}.js`;
}

export function splitHandler(handler: string): { file: string; name: string } {
  const at = handler.lastIndexOf('.');
  return { file: handler.slice(0, at), name: handler.slice(at + 1) };
}

/** The handler of a definition that was not made here, in the vendor's form. */
export function handlerOf(file: string, name: string): string {
  return `${basename(file).replace(/\.\w+$/, '')}.${name}`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text === '' ? '{}' : text);
  } catch {
    return undefined;
  }
}
