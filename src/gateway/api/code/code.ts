import { FunctionNotFoundError } from '#src/core/errors.ts';
import { type FunctionDefinition, LATEST } from '#src/core/functions/definition.ts';
import { findEntryFile, noEntryInWords, splitHandler } from '#src/core/functions/package-entry.ts';
import { BOOTSTRAP, isProgram, keptRuntime, runtimeMisfitInWords } from '#src/core/functions/runtimes.ts';
import { projectOf } from '#src/core/names/addressable.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import { modulesOfLayers } from '#src/core/python/layer-modules.ts';
import { asBuffer } from '#src/core/quotas/in-parts.ts';
import { readZip, type ZipFile } from '#src/core/zip/read-zip.ts';
import { writeZip } from '#src/core/zip/write-zip.ts';
import { LARGE_BOUNDS } from '#src/gateway/http/bodies/json-scan.ts';
import type { ContentPath } from '#src/gateway/http/bodies/large-json.ts';
import { HttpError, type Issue } from '#src/gateway/http/http-error.ts';
import type { Gateway } from '../../ports.ts';
import { scopeOf } from '../../scope.ts';
import { withoutUndefined } from '../invocations/invocation-view.ts';
import type { Routes } from '../route.ts';
import { checkCode } from './check-code.ts';
import {
  codeQuerySchema,
  codeSchema,
  type FunctionCode,
  layersSchema,
  type PackageBody,
  packageBodySchema,
  packageSchema,
  type StoredCode,
} from './code-schemas.ts';

type Handler = FunctionDefinition['handler'];

/** Where the body of a package has the contents of files. */
const PACKAGE_CONTENTS: readonly ContentPath[] = [
  { path: ['zip'], encoding: 'base64' },
  { path: ['files', '*', 'base64'], encoding: 'base64' },
  { path: ['files', '*', 'text'], encoding: 'text' },
];

/** The code of functions. A package is stored first; the definition that names it follows, and decides what runs (CODE1). */
export function addCodeRoutes(routes: Routes, gateway: Gateway): void {
  const { client, codeInTurn } = gateway;

  routes.add(
    {
      method: 'get',
      path: '/api/functions/{name}/code',
      summary: 'The code of a version: the files of its package',
      query: codeQuerySchema,
      answers: { 200: { description: 'the files, with the text of those that are text', schema: codeSchema } },
    },
    async (call, { params, query: { qualifier } }) => {
      const name = scopeOf(call, gateway).token(params.name);
      const { definition, version } = await client.functions.find(name, qualifier);
      const read = async () => codeOf(version, definition.handler, await filesOf(gateway, name, definition.handler));
      return call.json(await codeInTurn(call, read));
    },
  );

  addLayersRoute(routes, gateway);

  routes.add(
    {
      method: 'post',
      path: '/api/functions/{name}/packages',
      summary: 'Store code for a function, which need not be defined yet; the reply has the handler of its definition',
      body: packageBodySchema,
      bounds: LARGE_BOUNDS,
      contents: PACKAGE_CONTENTS,
      answers: { 200: { description: 'the handler that runs the code', schema: packageSchema } },
    },
    async (call, { params, body }) => {
      const name = scopeOf(call, gateway).token(params.name);
      return call.json(await codeInTurn(call, () => store(name, body)));
    },
  );

  /** Stores the code of a request. Throws `HttpError` 400 for code that no worker could load. */
  async function store(name: FunctionName, body: PackageBody): Promise<StoredCode> {
    const files = await filesFrom(gateway, name, body);
    const { file, name: exported } = splitHandler(body.handler);
    const present = await presentHandler(gateway, name, body.base);
    const former = body.runtime ?? present?.runtime;
    const entry = findEntryFile(file, files, former);
    if (entry === undefined)
      throw refusedCode([{ pointer: '/handler', detail: noEntryInWords(file).replace('it has', 'the package has') }]);
    const runtime = body.runtime ?? keptRuntime(entry, former);
    const layers = body.layers ?? present?.layers ?? [];
    const exports = [exported, body.initializer].filter((one) => one !== undefined);
    const modules = () => modulesOfLayers(client.packages, layers, projectOf(name));
    await expectLoadable(files, { entry, runtime, exports, modules });
    // Equal files make an equal archive, and therefore the same package.
    const digest = await client.packages.put(await writeZip(files), projectOf(name));
    const handler = withoutUndefined({
      kind: 'process',
      package: digest,
      file: entry,
      runtime,
      layers: layers.length === 0 ? undefined : layers,
      // A program gets the text of the handler as it is.
      export: isProgram(entry) ? body.handler : exported,
      initializer: body.initializer,
    }) as Handler;
    return { handler, files: files.map(({ path, content }) => ({ path, bytes: content.length })) };
  }
}

/** Throws `HttpError` 400 for code that no worker could load. */
async function expectLoadable(
  files: readonly ZipFile[],
  { runtime, ...wanted }: Parameters<typeof checkCode>[1] & { runtime: string | undefined },
): Promise<void> {
  const misfit = runtimeMisfitInWords({ file: wanted.entry, runtime });
  if (misfit !== undefined) throw refusedCode([{ pointer: '/runtime', detail: misfit }]);
  const issues = await checkCode(files, wanted);
  if (issues.length > 0) throw refusedCode(issues);
}

function addLayersRoute(routes: Routes, gateway: Gateway): void {
  routes.add(
    {
      method: 'get',
      path: '/api/layers',
      summary: 'The stored layers, by name, the newest version of each first: dependencies that functions share',
      answers: { 200: { description: 'the layers', schema: layersSchema } },
    },
    async (call) => {
      const layers = await gateway.client.functions.layers.list(projectOf(scopeOf(call, gateway).token('any')));
      return call.json({
        layers: layers.map(({ name, version, digest, bytes, description }) => ({ name, version, digest, bytes, description })),
      });
    },
  );
}

function refusedCode(errors: readonly Issue[]): HttpError {
  return new HttpError({ status: 400, message: errors.map(({ detail }) => detail).join('\n'), errors });
}

type ProcessHandler = Extract<Handler, { kind: 'process' }>;

/** The handler of the base, or else of the unpublished version; `undefined` for a function that is not defined yet, or runs elsewhere. */
async function presentHandler({ client }: Gateway, name: FunctionName, base = LATEST): Promise<ProcessHandler | undefined> {
  try {
    const { handler } = (await client.functions.find(name, base)).definition;
    return handler.kind === 'process' ? handler : undefined;
  } catch (error) {
    if (error instanceof FunctionNotFoundError) return undefined;
    throw error;
  }
}

/** The files of a request: those of the archive, or those of the base with the changes. */
async function filesFrom(gateway: Gateway, name: FunctionName, { zip, files = [], base, removed }: PackageBody): Promise<ZipFile[]> {
  if (zip !== undefined) return await readZip(asBuffer(zip));
  const kept = base === undefined ? [] : await filesOf(gateway, name, (await gateway.client.functions.find(name, base)).definition.handler);
  const executable = new Set((kept ?? []).filter(({ isExecutable }) => isExecutable).map(({ path }) => path));
  const changed = files.map(
    ({ path, text, base64 }): ZipFile => ({
      path,
      content: text ?? base64 ?? new Uint8Array(),
      // Files of the pages come without a mode.
      ...((path === BOOTSTRAP || executable.has(path)) && { isExecutable: true }),
    }),
  );
  const replaced = new Set([...changed.map(({ path }) => path), ...removed]);
  // A worker reads the archive, and refuses paths that leave the folder of the package.
  return await readZip(await writeZip([...(kept ?? []).filter(({ path }) => !replaced.has(path)), ...changed]));
}

/** The files of a handler's package; `undefined` for a handler without a package. Throws `HttpError` 500 if the store lacks the package. */
async function filesOf({ client }: Gateway, name: FunctionName, handler: Handler): Promise<ZipFile[] | undefined> {
  if (handler.kind !== 'process' || handler.package === undefined) return undefined;
  const archive = await client.packages.get(handler.package, projectOf(name));
  if (archive === undefined) throw new HttpError({ status: 500, message: 'the code of the function is not in the store' });
  return await readZip(asBuffer(archive));
}

/** The text of a larger file, and the text beyond this sum, is left out. */
const MAX_FILE_BYTES = 256 * 1_024;
const MAX_TEXT_BYTES = 1_024 * 1_024;

function codeOf(version: string, handler: Handler, files: readonly ZipFile[] | undefined): FunctionCode {
  const entry = handler.kind === 'process' ? handler.file : '';
  const rank = ({ path }: ZipFile): string => `${path === entry ? 0 : path.startsWith('node_modules/') ? 2 : 1}${path}`;
  let left = MAX_TEXT_BYTES;
  const shown = [...(files ?? [])]
    .sort((one, other) => (rank(one) < rank(other) ? -1 : 1))
    .map(({ path, content }) => {
      const text = content.length > Math.min(MAX_FILE_BYTES, left) ? undefined : decode(content);
      if (text !== undefined) left -= content.length;
      return withoutUndefined({ path, bytes: content.length, text }) as FunctionCode['files'][number];
    });
  return { version, handler, is_stored: files !== undefined, files: shown };
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The text of a file; `undefined` for a binary one. */
function decode(content: Uint8Array): string | undefined {
  try {
    const text = utf8.decode(content);
    return text.includes('\0') ? undefined : text;
  } catch {
    return undefined;
  }
}
