import type { Hono } from 'hono';
import { z } from 'zod';
import { ConflictError } from '#src/core/errors.ts';
import type { FunctionEntry } from '#src/core/functions/entry.ts';
import { projectOf } from '#src/core/names/addressable.ts';
import { nameInPackage, splitName, splitPackage } from '#src/core/names/names.ts';
import { parseBody, parseCodeBody } from '#src/gateway/http/bodies/body.ts';
import { HttpError } from '#src/gateway/http/http-error.ts';
import type { Call, Gateway, GatewayEnv } from '../../ports.ts';
import type { FunctionRecord } from '../../records.ts';
import { scopeOf } from '../../scope.ts';
import { inSeconds } from '../times.ts';
import {
  CODE_CONTENTS,
  configSchema,
  createFunctionSchema,
  defaultFilename,
  entryOf,
  FIELD_CODES,
  type FunctionConfig,
  pathsOf,
  readPackage,
  uninterpretedOf,
} from './create-function.ts';
import { layersOf, layersOfHandler } from './dependencies.ts';
import { derivedRecord, recordOf, viewFunction } from './function-view.ts';
import { changeableTarget, filesOf } from './functions.ts';

const ROUTE = '/v2/:project/fgs/functions';
const maxInstanceSchema = z.object({ max_instance_num: z.int().min(-1).max(1_000) });
/** The concurrency of a definition that stands for no limit. */
const UNLIMITED_CONCURRENCY = 1_000;
/** The vendor's maximum of instances of a new function. */
const DEFAULT_MAX_INSTANCES = 400;

/** `createFunction`, `updateFunctionConfig` and `updateFunctionMaxInstanceConfig`. */
export function addFunctionChanges(app: Hono<GatewayEnv>, gateway: Gateway): void {
  addCreate(app, gateway);
  addUpdateConfig(app, gateway);
  addUpdateMaxInstances(app, gateway);
}

function addCreate(app: Hono<GatewayEnv>, gateway: Gateway): void {
  const { client, records, clock, codeInTurn } = gateway;

  app.post(ROUTE, async (call) => {
    const wanted = await parseCodeBody(call, createFunctionSchema, { vendorCodes: FIELD_CODES, contents: CODE_CONTENTS });
    const shown = nameInPackage(wanted.package, wanted.func_name);
    const token = scopeOf(call, gateway).token(shown);
    const { digest, bytes, files, archive } = await codeInTurn(call, () => readPackage(wanted, wanted));
    const entry = entryOf(wanted, files);
    const definition = {
      name: token,
      handler: {
        kind: 'process',
        package: await client.packages.put(archive, projectOf(token)),
        ...(await layersFor(gateway, wanted, token)),
        ...entry,
      },
      ...definitionOf(wanted),
    };
    // The records of an earlier function of this name.
    const deleteFormer = await records.deletionOf(token);
    const registered = await client.functions.put(definition, 0).catch((cause: unknown) => {
      throw cause instanceof ConflictError ? existsAlready(shown, { cause }) : cause;
    });
    await deleteFormer();
    await records.putFunction(token, {
      package: wanted.package,
      ...recordedConfig(wanted),
      kept: uninterpretedOf(wanted),
      code_type: wanted.code_type,
      code_filename: wanted.code_filename ?? defaultFilename(wanted.code_type, entry.file),
      code_size: bytes,
      digest,
      max_instance_num: DEFAULT_MAX_INSTANCES,
      last_modified: inSeconds(clock.now()),
    });
    return call.json(viewFunction(call, gateway, registered));
  });
}

function existsAlready(name: string, options?: ErrorOptions): HttpError {
  return new HttpError({ status: 409, vendorCode: 'FSS.1061', message: `function ${name} exists already` }, options);
}

function addUpdateConfig(app: Hono<GatewayEnv>, gateway: Gateway): void {
  const { client, records, clock } = gateway;

  app.put(`${ROUTE}/:urn/config`, async (call) => {
    const name = await changeableTarget(call, gateway);
    const wanted = parseBody(call.get('body'), configSchema, { vendorCodes: FIELD_CODES });
    if (wanted.func_name !== splitPackage(splitName(name).bare).name)
      throw new HttpError({ status: 400, vendorCode: 'FSS.1002', message: 'func_name: is not the function of the path' });
    const present = await client.functions.get(name);
    const { definition } = present;
    const handler = await handlerFrom(call, gateway, { wanted, present });
    const changed = await client.functions.put({ ...definition, handler, ...definitionOf(wanted, definition) }, present.revision);
    await records.changeFunction(name, (before = derivedRecord(present)) => {
      const kept = { ...before.kept, ...uninterpretedOf(wanted) };
      return { ...before, ...recordedConfig(wanted), kept, last_modified: inSeconds(clock.now()) };
    });
    return call.json(viewFunction(call, gateway, changed));
  });
}

/** The packages of the dependencies that a request names. */
async function layersFor(gateway: Gateway, { depend_version_list }: FunctionConfig, name: string): Promise<{ layers?: string[] }> {
  const layers = await layersOf(gateway, projectOf(name), depend_version_list ?? []);
  return layers.length === 0 ? {} : { layers };
}

/** The handler as the package defines it. A function without a package keeps its handler. */
async function handlerFrom(
  call: Call,
  gateway: Gateway,
  { wanted, present }: { wanted: FunctionConfig; present: FunctionEntry },
): Promise<FunctionEntry['definition']['handler']> {
  const { handler, name } = present.definition;
  if (handler.kind === 'process' && handler.package !== undefined) {
    const { package: digest } = handler;
    const project = projectOf(name);
    const files = await gateway.codeInTurn(call, async () => pathsOf(await filesOf(gateway, digest, project)));
    const layers = wanted.depend_version_list ? await layersFor(gateway, wanted, name) : layersOfHandler(present);
    return { kind: 'process', package: digest, ...layers, ...entryOf(wanted, files) };
  }
  if (wanted.handler === recordOf(gateway, present).handler) return handler;
  throw new HttpError({ status: 400, vendorCode: 'FSS.1003', message: 'handler: cannot be changed, because the code is no package' });
}

function addUpdateMaxInstances(app: Hono<GatewayEnv>, gateway: Gateway): void {
  const { client, records } = gateway;

  app.put(`${ROUTE}/:urn/config-max-instance`, async (call) => {
    const name = await changeableTarget(call, gateway);
    const { max_instance_num } = parseBody(call.get('body'), maxInstanceSchema);
    const present = await client.functions.get(name);
    const { definition, revision } = present;
    const concurrency = concurrencyFor(max_instance_num, definition.concurrency);
    const changed = await client.functions.put({ ...definition, concurrency }, revision);
    await records.changeFunction(name, (before = derivedRecord(present)) => ({ ...before, max_instance_num }));
    return call.json(viewFunction(call, gateway, changed));
  });
}

/** A disabled function (0) keeps its concurrency: it accepts nothing, and its accepted invocations still run. −1 is no limit. */
function concurrencyFor(maxInstances: number, present: number): number {
  if (maxInstances === 0) return present;
  return maxInstances < 0 ? UNLIMITED_CONCURRENCY : maxInstances;
}

/** The part of a definition that a configuration sets. An optional field that is left out keeps its value. */
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

function recordedConfig({ runtime, handler, memory_size, depend_version_list, initializer_handler, initializer_timeout }: FunctionConfig) {
  const recorded: Partial<FunctionRecord> & Pick<FunctionRecord, 'runtime' | 'handler' | 'memory_size'> = {
    runtime,
    handler,
    memory_size,
    ...(depend_version_list ? { depend_version_list } : {}),
    ...(initializer_handler ? { initializer_handler } : {}),
    ...(initializer_timeout ? { initializer_timeout } : {}),
  };
  return recorded;
}
