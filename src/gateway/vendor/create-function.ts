import { basename } from 'node:path';
import { z } from 'zod';
import { findEntryFile, splitHandler } from '#src/core/functions/package-entry.ts';
import { isBareName } from '#src/core/names/names.ts';
import { digestOf } from '#src/core/ports/code-packages.ts';
import { parseJson } from '#src/core/text/json.ts';
import { readZip, type ZipFile } from '#src/core/zip/read-zip.ts';
import { writeZip } from '#src/core/zip/write-zip.ts';
import { HttpError } from '#src/gateway/http/http-error.ts';

export const FIELD_CODES: Readonly<Record<string, string>> = {
  func_name: 'FSS.1002',
  handler: 'FSS.1003',
  initializer_handler: 'FSS.1003',
  package: 'FSS.1004',
  runtime: 'FSS.1005',
  code_type: 'FSS.1006',
  memory_size: 'FSS.1007',
  timeout: 'FSS.1008',
  user_data: 'FSS.1009',
  encrypted_user_data: 'FSS.1009',
  func_code: 'FSS.1011',
  description: 'FSS.1019',
};

/** `file.function`, where the file may stand in folders of the package. */
const entryPoint = z
  .string()
  .min(3)
  .max(128)
  .regex(/^(?:[\w-]+\/)*[\w-]+(?:\.[\w-]+)*\.[A-Za-z_$][\w$]*$/, 'must be of the form file.function');

const userData = z
  .string()
  .max(4_096)
  .transform((text, context): Record<string, string> => {
    const parsed = z.record(z.string(), z.string()).safeParse(parseJson(text === '' ? '{}' : text));
    if (parsed.success && Object.keys(parsed.data).length <= 20) return parsed.data;
    context.addIssue({ code: 'custom', message: 'must be JSON text of at most 20 pairs of texts' });
    return z.NEVER;
  })
  .nullish();

/** What means nothing here, but is given back as it came: tools compare what they read with what they wrote. */
const KEPT = [
  ...['xrole', 'app_xrole', 'func_vpc', 'mount_config', 'log_config', 'enable_lts_log', 'network_controller', 'type'],
  ...['pre_stop_handler', 'pre_stop_timeout', 'enable_dynamic_memory', 'is_stateful_function', 'enable_auth_in_header'],
] as const;
const MAX_KEPT_LENGTH = 8_192;

/** Of a request, the fields that are only kept. Throws `HttpError` when they are too long. */
export function keptOf(wanted: object): Record<string, unknown> {
  const kept = Object.fromEntries(Object.entries(wanted).filter(([name]) => (KEPT as readonly string[]).includes(name)));
  if (JSON.stringify(kept).length <= MAX_KEPT_LENGTH) return kept;
  throw new HttpError({ status: 400, message: `${Object.keys(kept).join(', ')}: have more than ${MAX_KEPT_LENGTH} characters together` });
}

/** What creating a function and changing its configuration have in common. */
export const configSchema = z.looseObject({
  func_name: z
    .string()
    .refine(isBareName, 'must be 1 to 60 letters, digits, "-" or "_", start with a letter and end with a letter or digit'),
  runtime: z.string().regex(/^Node\.js\d+\.\d+$/, 'is not supported: only Node.js'),
  timeout: z.int().min(3).max(259_200),
  handler: entryPoint,
  memory_size: z.union(
    [128, 256, 512, 768, 1024, 1280, 1536, 1792, 2048, 2560, 3072, 3584, 4096].map((size) => z.literal(size)),
    'is none of the sizes',
  ),
  user_data: userData,
  encrypted_user_data: userData,
  description: z.string().max(512).nullish(),
  initializer_handler: z.union([z.literal(''), entryPoint]).nullish(),
  initializer_timeout: z.int().min(1).max(300).nullish(),
  /** Without them the code would not run: they belong into its package. */
  depend_version_list: z.array(z.string()).max(0, 'is not supported: pack what the code needs with it').nullish(),
});
export type FunctionConfig = z.infer<typeof configSchema>;

export const codeSchema = z.object({
  code_type: z.enum(['inline', 'zip'], 'is not supported: only inline and zip'),
  code_filename: z.string().max(255).nullish(),
  func_code: z.object({ file: z.base64('must be base64').min(1) }),
});
export type FunctionCode = z.infer<typeof codeSchema>;

export const createFunctionSchema = z.looseObject({
  ...configSchema.shape,
  ...codeSchema.shape,
  package: z.string().regex(/^[\w-]{1,64}$/, 'must be letters, digits, "-" and "_"'),
});

/** The code of a call: the digest is that of what was sent, and the archive what is stored. */
export type Package = { digest: string; bytes: number; files: readonly ZipFile[]; archive: Uint8Array };

/** Inline code of more than this the vendor refuses. */
const MAX_INLINE_BYTES = 10 * 1_024;

/** Reads the code that came with the call. Throws `HttpError`, and `InvalidInputError` for an archive that cannot be used. */
export async function readPackage({ code_type, func_code }: FunctionCode, handler: string): Promise<Package> {
  const code = Buffer.from(func_code.file, 'base64');
  const digest = digestOf(code);
  if (code_type === 'zip') return { digest, bytes: code.length, files: await readZip(code), archive: code };
  if (code.length > MAX_INLINE_BYTES)
    throw new HttpError({
      status: 413,
      vendorCode: 'FSS.1072',
      message: `inline code has ${code.length} bytes; at most ${MAX_INLINE_BYTES} are accepted`,
    });
  const files = [{ path: `${splitHandler(handler).file}.js`, content: code }];
  return { digest, bytes: code.length, files, archive: writeZip(files) };
}

/** What of a handler the package decides: the file, and what it exports. Throws `HttpError` when the initializer is elsewhere. */
export function entryOf(
  { handler, initializer_handler }: Pick<FunctionConfig, 'handler' | 'initializer_handler'>,
  files: readonly ZipFile[],
) {
  const { file, name } = splitHandler(handler);
  const initializer = initializer_handler ? splitHandler(initializer_handler) : undefined;
  if (initializer !== undefined && initializer.file !== file)
    throw new HttpError({ status: 400, vendorCode: 'FSS.1003', message: 'initializer_handler must be in the file of the handler' });
  // A file that is not there is the failure of an attempt, as the vendor has it.
  return {
    file: findEntryFile(file, files) ?? `${file}.js`,
    export: name,
    ...(initializer === undefined ? {} : { initializer: initializer.name }),
  };
}

/** The handler of a definition that was not made here, in the vendor's form. */
export function handlerOf(file: string, name: string): string {
  return `${basename(file).replace(/\.\w+$/, '')}.${name}`;
}
