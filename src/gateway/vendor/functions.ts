import type { Hono } from 'hono';
import { z } from 'zod';
import { ConflictError } from '#src/core/errors.ts';
import { LATEST } from '#src/core/functions/definition.ts';
import type { FunctionEntry } from '#src/core/functions/entry.ts';
import { readZip, type ZipFile } from '#src/core/zip/read-zip.ts';
import { parseBody } from '#src/gateway/http/body.ts';
import { HttpError } from '#src/gateway/http/http-error.ts';
import type { Call, Gateway, GatewayEnv } from '../ports.ts';
import type { FunctionRecord } from '../records.ts';
import { scopeOf } from '../scope.ts';
import { configSchema, createFunctionSchema, entryOf, FIELD_CODES, type FunctionConfig, keptOf, readPackage } from './create-function.ts';
import { recordOf, viewFunction } from './function-view.ts';
import { pageOf } from './paging.ts';
import { checkQuotas } from './quotas.ts';
import { targetOf } from './reference.ts';
import { inSeconds } from './times.ts';

const ROUTE = '/v2/:project/fgs/functions';
const maxInstanceSchema = z.object({ max_instance_num: z.int().min(-1).max(1_000) });
/** What stands for no limit in a definition. */
const MOST_AT_ONCE = 1_000;

/** Create, list, show, change, delete, and the maximum of instances. */
export function addFunctions(app: Hono<GatewayEnv>, gateway: Gateway): void {
  const { client, records, clock } = gateway;

  app.post(ROUTE, async (call) => {
    const wanted = parseBody(call.get('body'), createFunctionSchema, FIELD_CODES);
    const token = scopeOf(call, gateway).token(wanted.func_name);
    const { digest, bytes, files, archive } = await readPackage(wanted, wanted.handler);
    const entry = entryOf(wanted, files);
    await checkQuotas(call, gateway, { functions: 1, codeBytes: bytes });
    const definition = {
      name: token,
      handler: { kind: 'process', package: await client.packages.put(archive), ...entry },
      ...definitionOf(wanted),
    };
    const registered = await client.functions.put(definition, 0).catch((cause: unknown) => {
      if (!(cause instanceof ConflictError)) throw cause;
      throw new HttpError({ status: 409, vendorCode: 'FSS.1061', message: `function ${wanted.func_name} exists already` }, { cause });
    });
    await records.deleteAsyncConfig(token);
    await records.deleteFunction(token);
    await records.putFunction(token, {
      package: wanted.package,
      ...recordedConfig(wanted),
      kept: keptOf(wanted),
      code_type: wanted.code_type,
      code_filename: wanted.code_filename ?? defaultFilename(wanted.code_type, entry.file),
      code_size: bytes,
      digest,
      max_instance_num: 400,
      last_modified: inSeconds(clock.now()),
    });
    return call.json(viewFunction(call, gateway, registered));
  });

  app.get(ROUTE, async (call) => {
    const { marker, limit } = pageOf(call, { limit: 'maxitems', usual: 400, most: 400 });
    const { package_name = '', func_name = '' } = call.req.query();
    const { owns } = scopeOf(call, gateway);
    const all = (await client.functions.list())
      .filter(({ definition }) => owns(definition.name))
      .map((found) => viewFunction(call, gateway, found))
      .filter((found) => found.func_name.includes(func_name) && (package_name === '' || found.package === package_name));
    const functions = all.slice(marker, marker + limit);
    return call.json({ functions, next_marker: marker + functions.length, count: all.length });
  });

  app.get(`${ROUTE}/:urn/config`, async (call) => {
    const { name, qualifier } = await targetOf(call, gateway);
    return call.json(viewFunction(call, gateway, await client.functions.find(name, qualifier)));
  });

  app.put(`${ROUTE}/:urn/config`, async (call) => {
    const name = await changeable(call, gateway);
    const wanted = parseBody(call.get('body'), configSchema, FIELD_CODES);
    if (scopeOf(call, gateway).token(wanted.func_name) !== name)
      throw new HttpError({ status: 400, vendorCode: 'FSS.1002', message: 'func_name: is not the function of the path' });
    const present = await client.functions.get(name);
    const { definition } = present;
    const handler = await handlerFrom(wanted, present);
    const changed = await client.functions.put({ ...definition, handler, ...definitionOf(wanted, definition) }, present.revision);
    const before = recordOf(gateway, present);
    const kept = { ...before.kept, ...keptOf(wanted) };
    const record = { ...before, ...recordedConfig(wanted), kept, last_modified: inSeconds(clock.now()) };
    await records.putFunction(name, record);
    return call.json(viewFunction(call, gateway, changed));
  });

  /** The handler is in the package: a function whose code is elsewhere keeps its own. */
  async function handlerFrom(wanted: FunctionConfig, present: FunctionEntry): Promise<FunctionEntry['definition']['handler']> {
    const { handler } = present.definition;
    if (handler.kind !== 'process' || handler.package === undefined) {
      if (wanted.handler === recordOf(gateway, present).handler) return handler;
      throw new HttpError({ status: 400, vendorCode: 'FSS.1003', message: 'handler: cannot be changed, because the code is no package' });
    }
    return { kind: 'process', package: handler.package, ...entryOf(wanted, await filesOf(gateway, handler.package)) };
  }

  app.put(`${ROUTE}/:urn/config-max-instance`, async (call) => {
    const name = await changeable(call, gateway);
    const { max_instance_num } = parseBody(call.get('body'), maxInstanceSchema);
    const present = await client.functions.get(name);
    const { definition, revision } = present;
    // Nothing is accepted while it is disabled; what was accepted still runs.
    const concurrency = max_instance_num === 0 ? definition.concurrency : max_instance_num < 0 ? MOST_AT_ONCE : max_instance_num;
    const changed = await client.functions.put({ ...definition, concurrency }, revision);
    await records.putFunction(name, { ...recordOf(gateway, present), max_instance_num });
    return call.json(viewFunction(call, gateway, changed));
  });

  app.delete(`${ROUTE}/:urn`, async (call) => {
    const { name, qualifier, isQualified } = await targetOf(call, gateway);
    if (!isQualified) {
      await client.functions.delete(name);
      await records.deleteFunction(name);
      await records.deleteAsyncConfig(name);
      return call.body(null, 204);
    }
    if (qualifier === LATEST)
      throw new HttpError({ status: 400, vendorCode: 'FSS.1015', message: 'the version latest cannot be deleted alone' });
    if (qualifier.startsWith('!')) await deleteAliased(name, qualifier);
    else await deleteVersion(name, qualifier);
    return call.body(null, 204);
  });

  async function deleteVersion(name: string, version: string): Promise<void> {
    await client.functions.deleteVersion(name, version);
    await records.deleteFunction(name, version);
    await records.deleteAsyncConfig(name, version);
  }
  /** The vendor deletes what the alias stands for. The alias goes with it, since it would stand for nothing. */
  async function deleteAliased(name: string, qualifier: string): Promise<void> {
    const { version } = await client.functions.find(name, qualifier);
    await client.functions.deleteAlias(name, qualifier.slice(1));
    await records.deleteAsyncConfig(name, qualifier);
    if (version !== LATEST) await deleteVersion(name, version);
  }
}

/** The function of the path, if it is not a version: published ones do not change. Throws `HttpError`. */
export async function changeable(call: Call, gateway: Gateway): Promise<string> {
  const { name, qualifier } = await targetOf(call, gateway);
  if (qualifier === LATEST) return name;
  throw new HttpError({ status: 400, vendorCode: 'FSS.1015', message: `${qualifier} cannot be changed: only latest can` });
}

/** The files of a stored package. Throws `HttpError` when it is gone. */
export async function filesOf({ client }: Gateway, digest: string): Promise<ZipFile[]> {
  const archive = await client.packages.get(digest);
  if (archive === undefined) throw new HttpError({ status: 500, message: 'the code of the function is not in the store' });
  return await readZip(Buffer.from(archive));
}

export function defaultFilename(codeType: string, file: string): string {
  return codeType === 'zip' ? 'index.zip' : file;
}

/** What is left out stays as it is. */
function definitionOf(wanted: FunctionConfig, present?: FunctionEntry['definition']) {
  const secrets = wanted.encrypted_user_data ?? present?.secretUserData;
  return {
    description: wanted.description ?? present?.description ?? '',
    timeoutInMs: wanted.timeout * 1_000,
    memoryInMb: wanted.memory_size,
    userData: wanted.user_data ?? present?.userData ?? {},
    ...(secrets === undefined ? {} : { secretUserData: secrets }),
  };
}

function recordedConfig({ runtime, handler, memory_size, initializer_handler, initializer_timeout }: FunctionConfig) {
  const recorded: Pick<FunctionRecord, 'runtime' | 'handler' | 'memory_size' | 'initializer_handler' | 'initializer_timeout'> = {
    runtime,
    handler,
    memory_size,
    ...(initializer_handler ? { initializer_handler } : {}),
    ...(initializer_timeout ? { initializer_timeout } : {}),
  };
  return recorded;
}
