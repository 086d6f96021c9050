import { type Answer, reachOf, type VettedHttp } from '#src/destinations/http/vetted-request.ts';
import type { Connection } from '#src/destinations/targets/connection.ts';
import { type Revealed, reveal } from '#src/destinations/targets/secret.ts';
import { signByHuawei } from './huawei-signature.ts';

/** A service of Huawei Cloud behind a connection: DIS, or SMN with a region or an endpoint. */
export type HuaweiService = Extract<Connection, { kind: 'dis' | 'smn' }>;

type Post = { path: string; body: string; at: number; http: VettedHttp; signal: AbortSignal };

/**
 * Posts JSON to a service, signed by an access key, or with a token. `path` follows `/v2/<project>/`. Never rejects; `unreadable` when a
 * secret cannot be read.
 */
export async function postToHuawei(
  connection: HuaweiService,
  { path, body, at, http, signal }: Post,
): Promise<Answer | Extract<Revealed<never>, { kind: 'unreadable' }>> {
  const endpoint = endpointOf(connection);
  const url = `${endpoint.replace(/\/+$/, '')}/v2/${connection.projectId}/${path}`;
  const headers = headersOf(connection, { url, body, at });
  if (headers.kind === 'unreadable') return headers;
  return await http.send({ method: 'POST', url, headers: headers.texts, body, reach: reachOf(endpoint, connection) }, signal);
}

/** The endpoint of the connection, or else the vendor's public endpoint of the service in the region. */
function endpointOf({ kind, endpoint, region }: HuaweiService): string {
  return endpoint ?? `https://${kind}.${region}.myhuaweicloud.com`;
}

type Signable = { url: string; body: string; at: number };

function headersOf({ accessKeyId, secretAccessKey, token, projectId = '' }: HuaweiService, { url, body, at }: Signable): Revealed<string> {
  const headers = { 'content-type': 'application/json', 'x-project-id': projectId };
  if (token !== undefined) {
    const revealed = reveal({ token });
    return revealed.kind === 'unreadable' ? revealed : { kind: 'revealed', texts: { ...headers, 'x-auth-token': revealed.texts.token } };
  }
  if (accessKeyId === undefined || secretAccessKey === undefined) return { kind: 'unreadable', problem: 'it has no credentials' };
  const keys = reveal({ accessKeyId, secretAccessKey });
  if (keys.kind === 'unreadable') return keys;
  return { kind: 'revealed', texts: signByHuawei({ method: 'POST', url, headers, body }, keys.texts, at) };
}
