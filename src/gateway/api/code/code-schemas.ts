import { z } from 'zod';
import { digestSchema, functionDefinitionSchema, MAX_LAYERS, runtimeSchema } from '#src/core/functions/definition.ts';
import { base64Schema, filledBase64Schema, textBytesSchema } from '#src/core/text/base64.ts';
import { count } from '../common-schemas.ts';

const path = z.string().min(1).max(1_024);

const fileSchema = z
  .strictObject({ path, text: textBytesSchema.optional(), base64: base64Schema.optional() })
  .refine(({ text, base64 }) => (text === undefined) !== (base64 === undefined), 'must have either text or base64');

const exportName = /^[A-Za-z_$][\w$]*$/;

export const packageBodySchema = z
  .strictObject({
    handler: z
      .string()
      .max(1_024)
      .regex(/^(?:[\w.-]+\/)*[\w-]+(?:\.[\w-]+)*\.[A-Za-z_$][\w$]*$/, 'must be of the form file.function, such as index.handler')
      .default('index.handler')
      .describe('the file without its extension, a dot, and the exported function'),
    initializer: z.string().regex(exportName, 'must be the name of an exported function').optional(),
    runtime: runtimeSchema
      .optional()
      .describe('the language and its version; by default that of the base, or of the function, if it fits the file'),
    layers: z
      .array(digestSchema)
      .max(MAX_LAYERS)
      .optional()
      .describe('the digests of layers; by default those of the base, or of the function'),
    zip: filledBase64Schema.optional().describe('a zip archive'),
    files: z.array(fileSchema).min(1).max(10_000).optional(),
    base: z.string().max(64).optional().describe('the version or the !alias whose other files are kept'),
    removed: z.array(path).max(10_000).default([]).describe('files of the base that are left out'),
  })
  .refine(({ zip, files, base }) => (zip === undefined) !== (files === undefined && base === undefined), 'must have either zip or files');
export type PackageBody = z.output<typeof packageBodySchema>;

export const packageSchema = z.object({
  handler: functionDefinitionSchema.shape.handler.describe('the handler that runs the package: store it by PUT /api/functions/{name}'),
  files: z.array(z.object({ path: z.string(), bytes: count })),
});
export type StoredCode = z.infer<typeof packageSchema>;

export const layersSchema = z.object({
  layers: z.array(
    z.object({
      name: z.string(),
      version: z.int(),
      digest: z.string().describe('names the content in the handler of a function: handler.layers'),
      bytes: count,
      description: z.string(),
    }),
  ),
});
export type StoredLayers = z.infer<typeof layersSchema>;

export const codeQuerySchema = z.strictObject({
  qualifier: z.string().max(64).default('latest').describe('a version or an !alias'),
});

export const codeSchema = z.object({
  version: z.string(),
  handler: functionDefinitionSchema.shape.handler,
  is_stored: z
    .boolean()
    .describe('whether Sequent stores the code; of a file of a worker, a subject or a URL it stores the reference only'),
  files: z
    .array(z.object({ path: z.string(), bytes: count, text: z.string().optional().describe('absent for binary and for large files') }))
    .describe('the file of the handler first, the others by path'),
});
export type FunctionCode = z.infer<typeof codeSchema>;
