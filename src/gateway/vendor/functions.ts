import { join } from 'node:path';
import type { Hono } from 'hono';
import { z } from 'zod';
import { functionUrn } from '#src/core/envelope.ts';
import { ConflictError } from '#src/core/errors.ts';
import type { RegisteredFunction } from '#src/core/function-definition.ts';
import { parseBody } from '../body.ts';
import { HttpError } from '../http-error.ts';
import type { Call, Gateway, GatewayEnv } from '../ports.ts';
import type { FunctionRecord } from '../records.ts';
import { createFunctionSchema, entryFile, FIELD_CODES, handlerOf, readPackage, splitHandler } from './create-function.ts';
import { pageOf } from './paging.ts';
import { targetOf } from './reference.ts';
import { inSeconds, UNKNOWN_TIME } from './times.ts';

const ROUTE = '/v2/:project/fgs/functions';
const maxInstanceSchema = z.object({ max_instance_num: z.int().min(-1).max(1_000) });

/** Create, list, show, delete, and the maximum of instances. */
export function addFunctions(app: Hono<GatewayEnv>, gateway: Gateway): void {
  const { client, records, clock, code } = gateway;
  const show = (call: Call, found: RegisteredFunction) => describe(call, gateway, found);

  app.post(ROUTE, async (call) => {
    const wanted = parseBody(call.get('body'), createFunctionSchema, FIELD_CODES);
    const { digest, key, bytes, files } = await readPackage(wanted);
    const initializer = wanted.initializer_handler ? splitHandler(wanted.initializer_handler) : undefined;
    const { file, name: exported } = splitHandler(wanted.handler);
    if (initializer !== undefined && initializer.file !== file)
      throw new HttpError({ status: 400, vendorCode: 'FSS.1003', message: 'initializer_handler must be in the file of the handler' });
    const definition = {
      name: wanted.func_name,
      description: wanted.description ?? '',
      handler: {
        kind: 'process',
        file: join(await code.put(key, files), entryFile(wanted.handler, files)),
        export: exported,
        ...(initializer === undefined ? {} : { initializer: initializer.name }),
      },
      timeoutInMs: wanted.timeout * 1_000,
      memoryInMb: wanted.memory_size,
      userData: wanted.user_data ?? {},
    };
    const registered = await client.functions.put(definition, 0).catch((cause: unknown) => {
      if (!(cause instanceof ConflictError)) throw cause;
      throw new HttpError({ status: 409, vendorCode: 'FSS.1061', message: `function ${wanted.func_name} exists already` }, { cause });
    });
    await records.deleteAsyncConfig(wanted.func_name);
    await records.putFunction(wanted.func_name, {
      package: wanted.package,
      runtime: wanted.runtime,
      handler: wanted.handler,
      memory_size: wanted.memory_size,
      code_type: wanted.code_type,
      code_filename: wanted.code_filename ?? (wanted.code_type === 'zip' ? 'index.zip' : `${file}.js`),
      code_size: bytes,
      digest,
      max_instance_num: 400,
      last_modified: inSeconds(clock.now()),
    });
    return call.json(show(call, registered));
  });

  app.get(ROUTE, async (call) => {
    const { marker, limit } = pageOf(call, { limit: 'maxitems', usual: 400, most: 400 });
    const { package_name = '', func_name = '' } = call.req.query();
    const all = (await client.functions.list())
      .map((found) => show(call, found))
      .filter((found) => found.func_name.includes(func_name) && (package_name === '' || found.package === package_name));
    const functions = all.slice(marker, marker + limit);
    return call.json({ functions, next_marker: marker + functions.length, count: all.length });
  });

  app.get(`${ROUTE}/:urn/config`, async (call) => call.json(show(call, await client.functions.get(targetOf(call, gateway).name))));

  app.put(`${ROUTE}/:urn/config-max-instance`, async (call) => {
    const { name } = targetOf(call, gateway);
    const { max_instance_num } = parseBody(call.get('body'), maxInstanceSchema);
    const found = await client.functions.get(name);
    await records.putFunction(name, { ...recordOf(gateway, found), max_instance_num });
    return call.json(show(call, found));
  });

  app.delete(`${ROUTE}/:urn`, async (call) => {
    const { name, isQualified } = targetOf(call, gateway);
    if (isQualified) throw new HttpError({ status: 400, vendorCode: 'FSS.1015', message: 'the version latest cannot be deleted alone' });
    await client.functions.delete(name);
    await records.deleteFunction(name);
    await records.deleteAsyncConfig(name);
    return call.body(null, 204);
  });
}

function describe(call: Call, gateway: Gateway, found: RegisteredFunction) {
  const { definition } = found;
  const project = call.req.param('project') ?? gateway.place.project;
  const record = recordOf(gateway, found);
  return {
    func_urn: functionUrn({ ...gateway.place, project }, definition.name, 'latest'),
    func_name: definition.name,
    domain_id: '',
    namespace: project,
    project_name: gateway.place.region,
    package: record.package,
    runtime: record.runtime,
    timeout: Math.ceil(definition.timeoutInMs / 1_000),
    handler: record.handler,
    memory_size: definition.memoryInMb,
    cpu: Math.floor((definition.memoryInMb / 128) * 100 + 200),
    code_type: record.code_type,
    code_filename: record.code_filename,
    code_size: record.code_size,
    digest: record.digest,
    version: 'latest',
    image_name: '',
    description: definition.description,
    user_data: JSON.stringify(definition.userData),
    last_modified: record.last_modified,
    strategy_config: { concurrency: record.max_instance_num, concurrent_num: 1 },
    type: 'v2',
  };
}

/** What is known of a function; of one that was configured elsewhere, what its definition lets guess. */
function recordOf({ records }: Gateway, { definition }: RegisteredFunction): FunctionRecord {
  const { handler, name } = definition;
  return (
    records.function(name) ?? {
      package: 'default',
      runtime: handler.kind === 'process' || handler.kind === 'inline' ? 'Node.js20.15' : 'Custom',
      handler: handler.kind === 'process' ? handlerOf(handler.file, handler.export) : `index.${handler.kind}`,
      memory_size: definition.memoryInMb,
      code_type: 'inline',
      code_filename: '',
      code_size: 0,
      digest: '',
      max_instance_num: -1,
      last_modified: UNKNOWN_TIME,
    }
  );
}
