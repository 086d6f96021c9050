import { z } from 'zod';
import { InvalidInputError } from '#src/core/errors.ts';
import { functionDefinitionSchema, handlerSchema, policySchema, runtimeSchema } from '#src/core/functions/definition.ts';
import { aliasSchema } from '#src/core/functions/entry.ts';
import { isFunctionName } from '#src/core/names/names.ts';
import { isScheduleName, scheduleInputSchema } from '#src/core/schedules/schedule.ts';
import { problemsOf } from '#src/core/text/problems.ts';

/** The file that describes the functions and schedules of a folder. */
export const FOLDER_FILE = 'sequent.json';
export const SCHEMA_FILE = 'sequent.schema.json';

/** The file of a layer of functions, in a folder. */
export function layerFile(digest: string): string {
  return `layers/${digest}.zip`;
}

/** A larger description is refused, and so are more functions or schedules. */
export const MAX_FOLDER_BYTES = 8 * 1_024 * 1_024;
const MAX_FOLDER_PARTS = 1_000;

const [code, inline, subject, http] = handlerSchema.options;

const codeInFolder = z
  .strictObject({
    kind: z.literal('process'),
    folder: z
      .string()
      .min(1)
      .optional()
      .describe('a folder with all code, relative to sequent.json; without it, file is packed with its imports'),
    file: z.string().min(1).describe('the module: in the folder, or relative to sequent.json; an absolute path is a file of the workers'),
    export: z.string().min(1).optional(),
    initializer: z.string().min(1).optional(),
    runtime: runtimeSchema.optional(),
    package: z.string().optional().describe('the digest of a package that is stored already'),
    layers: code.shape.layers.describe('the digests of layers, which are stored already or are in layers/<digest>.zip'),
  })
  .describe('code in Node.js, Python or any other language, run in child processes of the worker');

const handlerInFolder = z.discriminatedUnion('kind', [codeInFolder, inline, subject, http]);

const { name: _, paused: __, handler: ___, secretUserData: ____, ...fields } = functionDefinitionSchema.shape;
const settings = z
  .strictObject({
    ...fields,
    handler: handlerInFolder,
    secretUserData: z
      .record(z.string(), z.union([z.literal('******'), z.strictObject({ env: z.string().min(1) })]))
      .describe('"******" keeps the stored value; { "env": "NAME" } sets a missing value from the environment of the deployment'),
  })
  .partial();

const { name: _alias, policy: _policy, ...aliasFields } = aliasSchema.shape;
const alias = z.strictObject({ ...aliasFields, policy: policySchema }).partial();

const functionInFolder = z.strictObject({
  ...settings.shape,
  versions: z
    .record(z.string(), settings)
    .optional()
    .describe('versions that must exist; a missing one is published from the function and these fields'),
  aliases: z.record(z.string(), alias).optional(),
});

const { name: _schedule, event: _event, ...scheduleFields } = scheduleInputSchema.shape;
const scheduleInFolder = z.strictObject({ ...scheduleFields, event: z.unknown().describe('the event, as JSON') }).partial();

const named = <Value extends z.ZodType>(isName: (text: string) => boolean, what: string, value: Value) =>
  z
    .record(z.string().refine(isName, `is no name of a ${what}`), value)
    .refine((parts) => Object.keys(parts).length <= MAX_FOLDER_PARTS, `must have at most ${MAX_FOLDER_PARTS} entries`);

/** What sequent.json may have. A field that is absent stays as it is on the server; `null` removes it. */
const folderSchema = z.strictObject({
  $schema: z.string().optional(),
  functions: named(isFunctionName, 'function', functionInFolder).optional(),
  schedules: named(isScheduleName, 'schedule', scheduleInFolder).optional(),
});

export type CodeInFolder = z.infer<typeof codeInFolder>;
export type FunctionInFolder = Record<string, unknown> & {
  handler?: { kind: string } | null;
  versions?: Record<string, Record<string, unknown>>;
  aliases?: Record<string, object>;
  secretUserData?: Record<string, string | { env: string } | null>;
};
export type ScheduleInFolder = Omit<z.input<typeof scheduleInFolder>, 'event'>;
export type FolderContent = {
  functions?: Record<string, FunctionInFolder>;
  schedules?: Record<string, ScheduleInFolder>;
};

/** Checks a description, and returns it as it was written: a default of a schema is not a field that the folder names. */
export function checkFolder(content: unknown, file: string): FolderContent {
  const parsed = folderSchema.safeParse(withoutNulls(content));
  if (parsed.success) return content as FolderContent;
  throw new InvalidInputError({ field: file, problem: `is not valid: ${problemsOf(parsed.error)}` }, { cause: parsed.error });
}

/** The JSON schema of sequent.json, by which editors complete and check it. */
export function folderJsonSchema(): object {
  return z.toJSONSchema(folderSchema, { io: 'input', unrepresentable: 'any' });
}

/** `null` removes a field, so it fits every field. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value) || typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, part]) => (part === null && key !== 'event' ? [] : [[key, withoutNulls(part)]])),
  );
}
