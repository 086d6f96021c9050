import { basename } from 'node:path';
import { z } from 'zod';
import { MAX_LAYERS } from '#src/core/functions/definition.ts';
import { findEntryFile, splitHandler } from '#src/core/functions/package-entry.ts';
import { isProgram, runtimeByVendorName, runtimeMisfitInWords } from '#src/core/functions/runtimes.ts';
import { parseJson } from '#src/core/json/json.ts';
import { isBareName, isPackageName } from '#src/core/names/names.ts';
import { asBuffer, digestInParts } from '#src/core/quotas/in-parts.ts';
import { filledBase64Schema } from '#src/core/text/base64.ts';
import { readZip } from '#src/core/zip/read-zip.ts';
import { writeZip } from '#src/core/zip/write-zip.ts';
import type { ContentPath } from '#src/gateway/http/bodies/large-json.ts';
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

/** `file.function`; the file may be in a folder of the package. */
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
    context.addIssue({ code: 'custom', message: 'must be JSON text of an object with at most 20 string values' });
    return z.NEVER;
  })
  .nullish();

/** Fields without a meaning in Sequent. They are returned unchanged, because tools compare the fields that they read and wrote. */
const UNINTERPRETED = [
  ...['xrole', 'app_xrole', 'func_vpc', 'mount_config', 'log_config', 'enable_lts_log', 'network_controller', 'type'],
  ...['pre_stop_handler', 'pre_stop_timeout', 'enable_dynamic_memory', 'is_stateful_function', 'enable_auth_in_header'],
] as const;
const MAX_UNINTERPRETED_LENGTH = 8_192;

/** The uninterpreted fields of a request. Throws `HttpError` 400 when they are too long. */
export function uninterpretedOf(wanted: object): Record<string, unknown> {
  const fields = Object.fromEntries(Object.entries(wanted).filter(([name]) => (UNINTERPRETED as readonly string[]).includes(name)));
  if (JSON.stringify(fields).length <= MAX_UNINTERPRETED_LENGTH) return fields;
  const message = `${Object.keys(fields).join(', ')}: have more than ${MAX_UNINTERPRETED_LENGTH} characters together`;
  throw new HttpError({ status: 400, message });
}

const SUPPORTED = 'Node.js, Python3, Custom and http';

/** The fields that creating a function and changing its configuration share. */
export const configSchema = z.looseObject({
  func_name: z
    .string()
    .refine(isBareName, 'must be 1 to 60 letters, digits, "-" or "_", start with a letter and end with a letter or digit'),
  runtime: z.string().refine((name) => runtimeByVendorName(name) !== undefined, `is not supported: only ${SUPPORTED}`),
  timeout: z.int().min(3).max(259_200),
  handler: entryPoint,
  memory_size: z.union(
    [128, 256, 512, 768, 1024, 1280, 1536, 1792, 2048, 2560, 3072, 3584, 4096].map((size) => z.literal(size)),
    'is none of the supported sizes',
  ),
  user_data: userData,
  encrypted_user_data: userData,
  description: z.string().max(512).nullish(),
  initializer_handler: z.union([z.literal(''), entryPoint]).nullish(),
  initializer_timeout: z.int().min(1).max(300).nullish(),
  depend_version_list: z.array(z.string().max(64)).max(MAX_LAYERS).nullish(),
});
export type FunctionConfig = z.infer<typeof configSchema>;

export const codeSchema = z.object({
  code_type: z.enum(['inline', 'zip'], 'is not supported: only inline and zip'),
  code_filename: z.string().max(255).nullish(),
  func_code: z.object({ file: filledBase64Schema }),
});
export type FunctionCode = z.infer<typeof codeSchema>;
/** Where the body of a function has its code. */
export const CODE_CONTENTS: readonly ContentPath[] = [{ path: ['func_code', 'file'], encoding: 'base64' }];

export const createFunctionSchema = z.looseObject({
  ...configSchema.shape,
  ...codeSchema.shape,
  package: z.string().refine(isPackageName, 'must be letters, digits, "-" and "_"'),
});

/** The code of a call. `digest` and `bytes` describe the code as it was sent; `archive` is the stored form. */
export type Package = { digest: string; bytes: number; files: readonly PackagedFile[]; archive: Uint8Array };
/** A file without its content, of which a package has up to 128 MB. */
export type PackagedFile = { path: string };

/** The vendor's limit of inline code. */
const MAX_INLINE_BYTES = 10 * 1_024;

/** Reads the code of a call. Throws `HttpError` 413 for too large inline code, and `InvalidInputError` for an unusable archive. */
export async function readPackage(
  { code_type, func_code }: FunctionCode,
  { handler, runtime }: Pick<FunctionConfig, 'handler' | 'runtime'>,
): Promise<Package> {
  const code = asBuffer(func_code.file);
  const digest = await digestInParts(code);
  if (code_type === 'zip') return { digest, bytes: code.length, files: pathsOf(await readZip(code)), archive: code };
  if (code.length > MAX_INLINE_BYTES)
    throw new HttpError({
      status: 413,
      vendorCode: 'FSS.1072',
      message: `inline code has ${code.length} bytes; at most ${MAX_INLINE_BYTES} are accepted`,
    });
  const files = [{ path: inlineFile(handler, runtime), content: code, ...(runsProgram(runtime) && { isExecutable: true as const }) }];
  return { digest, bytes: code.length, files: pathsOf(files), archive: await writeZip(files) };
}

export function pathsOf(files: readonly PackagedFile[]): PackagedFile[] {
  return files.map(({ path }) => ({ path }));
}

/** The file and the exports of a handler in a package. Throws `HttpError` 400 if the initializer is in another file. */
export function entryOf(
  { handler, runtime, initializer_handler }: Pick<FunctionConfig, 'handler' | 'runtime' | 'initializer_handler'>,
  files: readonly PackagedFile[],
) {
  const named = runtimeByVendorName(runtime);
  const { file, name } = splitHandler(handler);
  const initializer = initializer_handler ? splitHandler(initializer_handler) : undefined;
  if (initializer !== undefined && initializer.file !== file)
    throw new HttpError({ status: 400, vendorCode: 'FSS.1003', message: 'initializer_handler must be in the file of the handler' });
  // As at the vendor, a missing file is not refused here: it makes each attempt fail.
  const found = findEntryFile(file, files, named?.name ?? named?.runtime.id) ?? inlineFile(handler, runtime);
  const misfit = runtimeMisfitInWords({ file: found, runtime: named?.name ?? named?.runtime.id });
  if (misfit !== undefined) throw new HttpError({ status: 400, vendorCode: 'FSS.1005', message: `runtime: ${misfit}` });
  return {
    file: found,
    // A program gets the text of the handler as it is.
    export: runsProgram(runtime) ? handler : name,
    ...(named?.name === undefined ? {} : { runtime: named.name }),
    ...(initializer === undefined ? {} : { initializer: initializer.name }),
  };
}

/** The file of inline code. */
function inlineFile(handler: string, vendorName: string): string {
  const end = runtimeByVendorName(vendorName)?.runtime.files[0] ?? '.js';
  return isProgram(end) ? end : `${splitHandler(handler).file}${end}`;
}

function runsProgram(vendorName: string): boolean {
  return isProgram(runtimeByVendorName(vendorName)?.runtime.files[0] ?? '');
}

/** The name of the file that the vendor's API shows for code without a `code_filename`. */
export function defaultFilename(codeType: string, file: string): string {
  return codeType === 'zip' ? 'index.zip' : file;
}

/** The handler of a function that was defined without this API, in the vendor's form. */
export function handlerOf(file: string, name: string): string {
  if (isProgram(file)) return name.includes('.') ? name : `index.${name}`;
  return `${basename(file).replace(/\.\w+$/, '')}.${name}`;
}
