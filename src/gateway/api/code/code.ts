import { FunctionNotFoundError } from '#src/core/errors.ts';
import { type FunctionDefinition, LATEST } from '#src/core/functions/definition.ts';
import { findEntryFile, noEntryInWords, splitHandler } from '#src/core/functions/package-entry.ts';
import { keptRuntime, runtimeMisfitInWords } from '#src/core/functions/runtimes.ts';
import { projectOf } from '#src/core/names/addressable.ts';
import type { FunctionName } from '#src/core/names/names.ts';
import { readZip, type ZipFile } from '#src/core/zip/read-zip.ts';
import { writeZip } from '#src/core/zip/write-zip.ts';
import { LARGE_BOUNDS } from '#src/gateway/http/bodies/json-scan.ts';
import { HttpError, type Issue } from '#src/gateway/http/http-error.ts';
import type { Gateway } from '../../ports.ts';
import { scopeOf } from '../../scope.ts';
import { withoutUndefined } from '../invocations/invocation-view.ts';
import type { Routes } from '../route.ts';
import { checkCode } from './check-code.ts';
import { codeQuerySchema, codeSchema, type FunctionCode, type PackageBody, packageBodySchema, packageSchema } from './code-schemas.ts';
import { createFairTurns } from './fair-turns.ts';

type Handler = FunctionDefinition['handler'];

/** The uploads that are checked at one moment, each in a process of its own. One more waits for its turn. */
const MAX_CHECKS = 4;

/** The code of functions. A package is stored first; the definition that names it follows, and decides what runs (CODE1). */
export function addCodeRoutes(routes: Routes, gateway: Gateway): void {
  const { client } = gateway;
  const inTurn = createFairTurns(MAX_CHECKS);

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
      return call.json(codeOf(version, definition.handler, await filesOf(gateway, name, definition.handler)));
    },
  );

  routes.add(
    {
      method: 'post',
      path: '/api/functions/{name}/packages',
      summary: 'Store code for a function, which need not be defined yet; the reply has the handler of its definition',
      body: packageBodySchema,
      bounds: LARGE_BOUNDS,
      answers: { 200: { description: 'the handler that runs the code', schema: packageSchema } },
    },
    async (call, { params, body }) => {
      const name = scopeOf(call, gateway).token(params.name);
      const files = await filesFrom(gateway, name, body);
      const { file, name: exported } = splitHandler(body.handler);
      const former = body.runtime ?? (await formerRuntime(gateway, name, body.base));
      const entry = findEntryFile(file, files, former);
      if (entry === undefined)
        throw refusedCode([{ pointer: '/handler', detail: noEntryInWords(file).replace('it has', 'the package has') }]);
      const runtime = body.runtime ?? keptRuntime(entry, former);
      const misfit = runtimeMisfitInWords({ file: entry, runtime });
      if (misfit !== undefined) throw refusedCode([{ pointer: '/runtime', detail: misfit }]);
      const wanted = [exported, ...(body.initializer === undefined ? [] : [body.initializer])];
      const issues = await inTurn(call.get('project'), () => checkCode(files, entry, wanted));
      if (issues.length > 0) throw refusedCode(issues);
      // Equal files make an equal archive, and therefore the same package.
      const digest = await client.packages.put(writeZip(files), projectOf(name));
      const { initializer } = body;
      const handler = withoutUndefined({
        kind: 'process',
        package: digest,
        file: entry,
        runtime,
        export: exported,
        initializer,
      }) as Handler;
      return call.json({ handler, files: files.map(({ path, content }) => ({ path, bytes: content.length })) });
    },
  );
}

function refusedCode(errors: readonly Issue[]): HttpError {
  return new HttpError({ status: 400, message: errors.map(({ detail }) => detail).join('\n'), errors });
}

/** The runtime that the function names, in its base or else in its unpublished version; `undefined` for a function that is not defined yet. */
async function formerRuntime({ client }: Gateway, name: FunctionName, base = LATEST): Promise<string | undefined> {
  try {
    const { handler } = (await client.functions.find(name, base)).definition;
    return handler.kind === 'process' ? handler.runtime : undefined;
  } catch (error) {
    if (error instanceof FunctionNotFoundError) return undefined;
    throw error;
  }
}

/** The files of a request: those of the archive, or those of the base with the changes. */
async function filesFrom(gateway: Gateway, name: FunctionName, { zip, files = [], base, removed }: PackageBody): Promise<ZipFile[]> {
  if (zip !== undefined) return await readZip(Buffer.from(zip, 'base64'));
  const kept = base === undefined ? [] : await filesOf(gateway, name, (await gateway.client.functions.find(name, base)).definition.handler);
  const changed = files.map(({ path, text, base64 }) => ({
    path,
    content: text === undefined ? Buffer.from(base64 ?? '', 'base64') : Buffer.from(text),
  }));
  const replaced = new Set([...changed.map(({ path }) => path), ...removed]);
  // A worker reads the archive, and refuses paths that leave the folder of the package.
  return await readZip(writeZip([...(kept ?? []).filter(({ path }) => !replaced.has(path)), ...changed]));
}

/** The files of a handler's package; `undefined` for a handler without a package. Throws `HttpError` 500 if the store lacks the package. */
async function filesOf({ client }: Gateway, name: FunctionName, handler: Handler): Promise<ZipFile[] | undefined> {
  if (handler.kind !== 'process' || handler.package === undefined) return undefined;
  const archive = await client.packages.get(handler.package, projectOf(name));
  if (archive === undefined) throw new HttpError({ status: 500, message: 'the code of the function is not in the store' });
  return await readZip(Buffer.from(archive));
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
