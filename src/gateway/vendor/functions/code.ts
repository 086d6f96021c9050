import type { Hono } from 'hono';
import type { RegisteredFunction } from '#src/core/functions/definition.ts';
import { projectOf } from '#src/core/names/addressable.ts';
import { parseBody } from '#src/gateway/http/bodies/body.ts';
import type { Call, Gateway, GatewayEnv } from '../../ports.ts';
import { targetOf } from '../reference.ts';
import { inSeconds } from '../times.ts';
import { codeSchema, defaultFilename, entryOf, FIELD_CODES, readPackage } from './create-function.ts';
import { recordOf, viewCode } from './function-view.ts';
import { changeableTarget, filesOf } from './functions.ts';

const ROUTE = '/v2/:project/fgs/functions/:urn/code';

/** `showFunctionCode` and `updateFunctionCode`. */
export function addCode(app: Hono<GatewayEnv>, gateway: Gateway): void {
  const { client, records, clock } = gateway;

  app.get(ROUTE, async (call) => {
    const { name, qualifier } = await targetOf(call, gateway);
    return call.json(await describe(call, await client.functions.find(name, qualifier)));
  });

  app.put(ROUTE, async (call) => {
    const name = await changeableTarget(call, gateway);
    const wanted = parseBody(call.get('body'), codeSchema, { vendorCodes: FIELD_CODES });
    const present = await client.functions.get(name);
    const record = recordOf(gateway, present);
    const { digest, bytes, files, archive } = await readPackage(wanted, record);
    const entry = entryOf(record, files);
    const handler = { kind: 'process', package: await client.packages.put(archive, projectOf(name)), ...entry };
    const changed = await client.functions.put({ ...present.definition, handler }, present.revision);
    await records.changeFunction(name, (before = record) => ({
      ...before,
      code_type: wanted.code_type,
      code_filename: wanted.code_filename ?? defaultFilename(wanted.code_type, entry.file),
      code_size: bytes,
      digest,
      last_modified: inSeconds(clock.now()),
    }));
    return call.json(await describe(call, changed));
  });

  async function describe(call: Call, found: RegisteredFunction) {
    return { ...viewCode(call, gateway, found), code_url: '', depend_list: [], func_code: { file: await codeOf(found), link: '' } };
  }

  /** The code as it was sent, in base64; empty for code that Sequent does not store. */
  async function codeOf(found: RegisteredFunction): Promise<string> {
    const { handler } = found.definition;
    if (handler.kind !== 'process' || handler.package === undefined) return '';
    if (recordOf(gateway, found).code_type === 'zip')
      return Buffer.from((await client.packages.get(handler.package, projectOf(found.definition.name))) ?? []).toString('base64');
    const [file] = await filesOf(gateway, handler.package, projectOf(found.definition.name));
    return Buffer.from(file?.content ?? []).toString('base64');
  }
}
