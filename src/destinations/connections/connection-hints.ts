import { projectOf } from '#src/core/names/addressable.ts';
import type { ConnectionKind } from '#src/destinations/targets/connection.ts';

/** Where an operator writes connections. */
export type ConnectionsSource = {
  /** The file of the connections; `undefined` when Sequent was started without one. */
  file: string | undefined;
};

/** What a connection of each kind needs at least. */
const examples: Readonly<Record<ConnectionKind, object>> = {
  http: { hosts: ['hooks.example.com'] },
  obs: {
    endpoint: 'https://obs.cn-north-4.myhuaweicloud.com',
    accessKeyId: { env: 'HUAWEI_AK' },
    secretAccessKey: { env: 'HUAWEI_SK' },
  },
  smn: {
    region: 'cn-north-4',
    projectId: 'the id of the project',
    accessKeyId: { env: 'HUAWEI_AK' },
    secretAccessKey: { env: 'HUAWEI_SK' },
  },
  dis: {
    region: 'cn-north-4',
    projectId: 'the id of the project',
    accessKeyId: { env: 'HUAWEI_AK' },
    secretAccessKey: { env: 'HUAWEI_SK' },
  },
};

type Wanted = { name: string; kind: ConnectionKind; functionName: string | undefined; isPresent: boolean; fields?: object };

/**
 * The end of a sentence that refuses a destination: what to write in which file. Users of another project than the own one do not learn the
 * path of the file.
 */
export function hintAt(
  place: ConnectionsSource | undefined,
  { name, kind, functionName, isPresent, fields = examples[kind] }: Wanted,
): string {
  if (place === undefined) return '';
  const text = JSON.stringify(isPresent ? fields : { [name]: { kind, ...fields } });
  const isForeign = functionName !== undefined && projectOf(functionName) !== undefined;
  if (isForeign) return `; ask the operator of Sequent for ${text} in the file of the connections`;
  if (place.file === undefined) return `; write ${text} to a file and start Sequent with --connections <file>`;
  const where = isPresent ? `the connection "${name}" of ${place.file}` : place.file;
  return `; write ${text} in ${where}, which takes effect within two seconds`;
}
