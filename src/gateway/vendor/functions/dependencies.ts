import type { Hono } from 'hono';
import { z } from 'zod';
import type { RegisteredFunction } from '#src/core/functions/definition.ts';
import { projectOf } from '#src/core/names/addressable.ts';
import type { PackageOwner } from '#src/core/ports/stores/code-packages.ts';
import { asBuffer } from '#src/core/quotas/in-parts.ts';
import { filledBase64Schema } from '#src/core/text/base64.ts';
import { readZip } from '#src/core/zip/read-zip.ts';
import type { Layer } from '#src/functions/layers.ts';
import { parseCodeBody } from '#src/gateway/http/bodies/body.ts';
import { HttpError } from '#src/gateway/http/http-error.ts';
import type { Call, Gateway, GatewayEnv } from '../../ports.ts';
import { scopeOf } from '../../scope.ts';
import { pageOf } from '../paging.ts';

const ROUTE = '/v2/:project/fgs/dependencies';
const CODES = { depend_file: 'FSS.1011', runtime: 'FSS.1005', name: 'FSS.1002', description: 'FSS.1019' };

const CONTENTS = [{ path: ['depend_file'], encoding: 'base64' }] as const;

const createSchema = z.object({
  depend_type: z.literal('zip', 'is not supported: only zip'),
  depend_file: filledBase64Schema,
  runtime: z.string(),
  name: z.string(),
  description: z.string().nullish(),
});

/** `createDependencyVersion`, `listDependencies`, `listDependencyVersion`, `show-` and `deleteDependencyVersion`. */
export function addDependencies(app: Hono<GatewayEnv>, gateway: Gateway): void {
  const { layers } = gateway.client.functions;

  app.post(`${ROUTE}/version`, async (call) => {
    const given = await parseCodeBody(call, createSchema, { vendorCodes: CODES, contents: CONTENTS });
    const { depend_file, name, runtime, description } = given;
    const archive = asBuffer(depend_file);
    await gateway.codeInTurn(call, () => readZip(archive));
    const owner = ownerOf(call, gateway);
    const digest = await gateway.client.packages.put(archive, owner);
    return call.json(view(call, await layers.put(owner, { name, runtime, digest, bytes: archive.length, description: description ?? '' })));
  });

  app.get(ROUTE, async (call) => {
    const { name = '', runtime = '' } = call.req.query();
    const all = (await layers.list(ownerOf(call, gateway))).filter(
      (layer, index, { [index - 1]: before }) =>
        layer.name !== before?.name && layer.name.includes(name) && layer.runtime.includes(runtime),
    );
    return call.json(page(call, all));
  });

  app.get(`${ROUTE}/:group/version`, async (call) => call.json(page(call, await versionsOf(call))));

  app.get(`${ROUTE}/:group/version/:version`, async (call) => call.json(view(call, await versionOf(call))));

  app.delete(`${ROUTE}/:group/version/:version`, async (call) => {
    await layers.delete(ownerOf(call, gateway), (await versionOf(call)).id);
    return call.body(null, 204);
  });

  async function versionsOf(call: Call): Promise<Layer[]> {
    const found = (await layers.list(ownerOf(call, gateway))).filter(({ groupId }) => groupId === call.req.param('group'));
    if (found.length > 0) return found;
    throw new HttpError({ status: 404, message: `there is no dependency ${call.req.param('group')}` });
  }

  async function versionOf(call: Call): Promise<Layer> {
    const found = (await versionsOf(call)).find(({ version }) => String(version) === call.req.param('version'));
    if (found !== undefined) return found;
    throw new HttpError({ status: 404, message: `the dependency has no version ${call.req.param('version')}` });
  }

  function page(call: Call, all: readonly Layer[]) {
    const { marker, limit } = pageOf(call, { limit: 'maxitems', default: 400, max: 400 });
    const shown = all.slice(marker, marker + limit);
    return { dependencies: shown.map((layer) => view(call, layer)), next_marker: marker + shown.length, count: all.length };
  }

  function view(call: Call, { id, groupId, name, version, digest, bytes, description, runtime, createdAt }: Layer) {
    return {
      ...{ id, dep_id: groupId, owner: scopeOf(call, gateway).project, link: '', runtime, etag: digest.slice(0, 32), size: bytes },
      ...{ name, description, file_name: `${name}.zip`, version, last_modified: Math.floor(createdAt / 1_000), is_shared: false },
    };
  }
}

function ownerOf(call: Call, gateway: Gateway): PackageOwner {
  return projectOf(scopeOf(call, gateway).token('any'));
}

/** The digests of the dependencies of a request, by the ids of their versions. Throws `HttpError` 400 for an unknown id. */
export async function layersOf(gateway: Gateway, owner: PackageOwner, ids: readonly string[]): Promise<string[]> {
  const known = ids.length === 0 ? [] : await gateway.client.functions.layers.list(owner);
  return ids.map((id) => {
    const found = known.find((layer) => layer.id === id);
    if (found !== undefined) return found.digest;
    throw new HttpError({ status: 400, message: `depend_version_list: there is no version ${id} of a dependency` });
  });
}

/** What a handler keeps when a request names no dependencies. */
export function layersOfHandler({ definition: { handler } }: RegisteredFunction): { layers?: string[] } {
  return handler.kind === 'process' && handler.layers !== undefined ? { layers: handler.layers } : {};
}
