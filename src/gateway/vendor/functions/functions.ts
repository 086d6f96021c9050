import type { Hono } from 'hono';
import { LATEST } from '#src/core/functions/definition.ts';
import type { PackageOwner } from '#src/core/ports/stores/code-packages.ts';
import { asBuffer } from '#src/core/quotas/in-parts.ts';
import { readZip, type ZipFile } from '#src/core/zip/read-zip.ts';
import { HttpError } from '#src/gateway/http/http-error.ts';
import type { Call, Gateway, GatewayEnv } from '../../ports.ts';
import { scopeOf } from '../../scope.ts';
import { pageOf } from '../paging.ts';
import { targetOf } from '../reference.ts';
import { viewFunction } from './function-view.ts';

const ROUTE = '/v2/:project/fgs/functions';

/** `listFunctions`, `showFunctionConfig` and `deleteFunction`. */
export function addFunctions(app: Hono<GatewayEnv>, gateway: Gateway): void {
  const { client, records } = gateway;

  app.get(ROUTE, async (call) => {
    const { marker, limit } = pageOf(call, { limit: 'maxitems', default: 400, max: 400 });
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

  app.delete(`${ROUTE}/:urn`, async (call) => {
    const { name, qualifier, isQualified } = await targetOf(call, gateway);
    if (!isQualified) {
      const deleteRecords = await records.deletionOf(name);
      await client.functions.delete(name);
      await deleteRecords();
      return call.body(null, 204);
    }
    if (qualifier === LATEST)
      throw new HttpError({ status: 400, vendorCode: 'FSS.1015', message: 'the version latest cannot be deleted alone' });
    if (qualifier.startsWith('!')) await deleteAliased(name, qualifier);
    else await deleteVersion(name, qualifier);
    return call.body(null, 204);
  });

  async function deleteVersion(name: string, version: string): Promise<void> {
    const deleteRecords = await records.deletionOf(name, version);
    await client.functions.deleteVersion(name, version);
    await deleteRecords();
  }
  /** Deletes the version that an alias names, as the vendor does, and the alias, which would name no version. */
  async function deleteAliased(name: string, qualifier: string): Promise<void> {
    const { version } = await client.functions.find(name, qualifier);
    const deleteRecords = await records.deletionOf(name, qualifier);
    await client.functions.deleteAlias(name, qualifier.slice(1));
    await deleteRecords();
    if (version !== LATEST) await deleteVersion(name, version);
  }
}

/** The function of the path, which must name `latest`: a published version is immutable. Throws `HttpError` 400. */
export async function changeableTarget(call: Call, gateway: Gateway): Promise<string> {
  const { name, qualifier } = await targetOf(call, gateway);
  if (qualifier === LATEST) return name;
  throw new HttpError({ status: 400, vendorCode: 'FSS.1015', message: `${qualifier} cannot be changed: only latest can` });
}

/** The files of a stored package. Throws `HttpError` 500 if the store does not contain the package. */
export async function filesOf({ client }: Gateway, digest: string, owner: PackageOwner): Promise<ZipFile[]> {
  const archive = await client.packages.get(digest, owner);
  if (archive === undefined) throw new HttpError({ status: 500, message: 'the code of the function is not in the store' });
  return await readZip(asBuffer(archive));
}
