import type { Hono } from 'hono';
import type { RegisteredFunction } from '#src/core/functions/definition.ts';
import { projectOf } from '#src/core/names/addressable.ts';
import { asBuffer } from '#src/core/quotas/in-parts.ts';
import { parseCodeBody } from '#src/gateway/http/bodies/body.ts';
import { createConcurrencyLimit } from '#src/gateway/http/concurrency-limit.ts';
import { inParts, partsOf } from '#src/gateway/http/reply-parts.ts';
import type { Call, Gateway, GatewayEnv } from '../../ports.ts';
import { targetOf } from '../reference.ts';
import { inSeconds } from '../times.ts';
import { CODE_CONTENTS, codeSchema, defaultFilename, entryOf, FIELD_CODES, readPackage } from './create-function.ts';
import { layersOfHandler } from './dependencies.ts';
import { recordOf, viewCode } from './function-view.ts';
import { changeableTarget, filesOf } from './functions.ts';

const ROUTE = '/v2/:project/fgs/functions/:urn/code';
/** The code that a gateway sends at one moment to slow callers, beside code of less than a megabyte. It has up to 64 MB. */
const MAX_LARGE_AT_ONCE = 2;
const LARGE_BYTES = 1_048_576;

/** `showFunctionCode` and `updateFunctionCode`. */
export function addCode(app: Hono<GatewayEnv>, gateway: Gateway): void {
  const { client, records, clock, codeInTurn, credentials } = gateway;
  const places = createConcurrencyLimit(MAX_LARGE_AT_ONCE, () => credentials.projects);

  /** A place for a large code, until all of it was sent. Throws `HttpError` 429. */
  const enter = (call: Call, bytes: number): (() => void) => (bytes > LARGE_BYTES ? places.enter(call.get('project')) : () => {});

  app.get(ROUTE, async (call) => {
    const { name, qualifier } = await targetOf(call, gateway);
    const found = await client.functions.find(name, qualifier);
    // Before the read: sixty readers that read nothing cost 14 s of the shared thread, although all but one were refused.
    return await answer(call, enter(call, await sizeOf(found)), async () => found);
  });

  app.put(ROUTE, async (call) => {
    // Before the change, which a refusal of its answer would hide.
    return await answer(call, enter(call, call.get('body').length), async () => await change(call));
  });

  async function answer(call: Call, release: () => void, find: () => Promise<RegisteredFunction>): Promise<Response> {
    try {
      const found = await find();
      const code = await codeInTurn(call, () => codeOf(found));
      return reply(call, { found, code, onEnd: release });
    } catch (error) {
      release();
      throw error;
    }
  }

  async function change(call: Call): Promise<RegisteredFunction> {
    const name = await changeableTarget(call, gateway);
    const wanted = await parseCodeBody(call, codeSchema, { vendorCodes: FIELD_CODES, contents: CODE_CONTENTS });
    const present = await client.functions.get(name);
    const record = recordOf(gateway, present);
    const { digest, bytes, files, archive } = await codeInTurn(call, () => readPackage(wanted, record));
    const entry = entryOf(record, files);
    const handler = {
      kind: 'process',
      package: await client.packages.put(archive, projectOf(name)),
      ...layersOfHandler(present),
      ...entry,
    };
    const changed = await client.functions.put({ ...present.definition, handler }, present.revision);
    await records.changeFunction(name, (before = record) => ({
      ...before,
      code_type: wanted.code_type,
      code_filename: wanted.code_filename ?? defaultFilename(wanted.code_type, entry.file),
      code_size: bytes,
      digest,
      last_modified: inSeconds(clock.now()),
    }));
    return changed;
  }

  /** The view of a function and of its code, which is sent as fast as the caller reads. */
  function reply(call: Call, { found, code, onEnd }: { found: RegisteredFunction; code: Buffer; onEnd: () => void }): Response {
    const view = JSON.stringify({
      ...viewCode(call, gateway, found),
      code_url: '',
      depend_list: recordOf(gateway, found).depend_version_list ?? [],
    });
    return new Response(inParts(call, withCode(view, code), onEnd), { headers: { 'Content-Type': 'application/json' } });
  }

  async function sizeOf({ definition: { name, handler } }: RegisteredFunction): Promise<number> {
    if (handler.kind !== 'process' || handler.package === undefined) return 0;
    return (await client.packages.sizeOf(handler.package, projectOf(name))) ?? 0;
  }

  /** The code as it was sent; empty for code that Sequent does not store. */
  async function codeOf(found: RegisteredFunction): Promise<Buffer> {
    const { handler } = found.definition;
    if (handler.kind !== 'process' || handler.package === undefined) return Buffer.alloc(0);
    const owner = projectOf(found.definition.name);
    if (recordOf(gateway, found).code_type === 'zip')
      return asBuffer((await client.packages.get(handler.package, owner)) ?? new Uint8Array());
    const [file] = await filesOf(gateway, handler.package, owner);
    return asBuffer(file?.content ?? new Uint8Array());
  }
}

function* withCode(view: string, code: Buffer): Generator<Uint8Array | string> {
  yield `${view.slice(0, -1)},"func_code":{"link":"","file":"`;
  yield* partsOf(code, 'base64');
  yield '"}}';
}
