import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { InvalidInputError } from '#src/core/errors.ts';
import { parseJson } from '#src/core/json/json.ts';
import { projectOf } from '#src/core/names/addressable.ts';
import { problemsOf } from '#src/core/text/problems.ts';
import {
  type Connection,
  type ConnectionKind,
  type ConnectionOf,
  type Connections,
  connectionSchema,
  type HintWanted,
  type Picked,
} from '#src/destinations/targets/connection.ts';

const connectionName = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/, 'must be 1 to 64 letters, digits, "-" or "_", and start with a letter');
/** `null` switches the default connection of this name off. */
const connectionsSchema = z.record(connectionName, connectionSchema.nullable());

/**
 * The connection `http` of a file that names none: https to public addresses, at the ports 443 and 8443. With `loopback`, functions of the own
 * project also reach the loopback interface, by http and at any port.
 */
export type DefaultHttp = 'public' | 'loopback' | 'off';

export type ConnectionsOptions = {
  /** The id of the project whose functions have bare names. */
  ownProject?: string | undefined;
  /** `off` by default. */
  defaultHttp?: DefaultHttp | undefined;
  /** Without it, refusals end without a hint. */
  place?: ConnectionsSource | undefined;
};

/**
 * Reads the connections of a JSON file. Secrets are references, which are read at each use.
 *
 * Throws `InvalidInputError` with the name of the field. The message repeats no value of the file.
 */
export async function openConnections(file: string, options: Omit<ConnectionsOptions, 'place'> = {}): Promise<Connections> {
  const field = `the connections file ${file}`;
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new InvalidInputError({ field, problem: `cannot be read (${(cause as NodeJS.ErrnoException).code})` }, { cause });
  }
  const json = parseJson(text);
  if (json === undefined) throw new InvalidInputError({ field, problem: 'is not valid JSON' });
  return parseConnections(json, { field, ...options, place: { file } });
}

/** Throws `InvalidInputError` with the name of the field. */
export function parseConnections(
  input: unknown,
  { field = 'the connections', ownProject, defaultHttp = 'off', place }: ConnectionsOptions & { field?: string } = {},
): Connections {
  const parsed = connectionsSchema.safeParse(input);
  if (!parsed.success)
    throw new InvalidInputError({ field, problem: `cannot be used: ${problemsOf(parsed.error)}` }, { cause: parsed.error });
  const named = Object.entries(parsed.data);
  const connections = new Map<string, Connection>(named.flatMap(([name, found]) => (found === null ? [] : [[name, found] as const])));
  const isDefaultOff = defaultHttp === 'off' || named.some(([name]) => name === 'http');
  const hint: Connections['hint'] = (wanted) => hintAt(place, { ...wanted, isPresent: connections.has(wanted.name) });

  function defaultFor(project: string | undefined): ConnectionOf<'http'> {
    const isOwn = project === undefined || project === ownProject;
    return isOwn && defaultHttp === 'loopback' ? { ...publicHttp, allowLoopback: true } : publicHttp;
  }

  function find(name: string, kind: ConnectionKind, project: string | undefined): Connection | undefined {
    const isDefault = kind === 'http' && name === 'http' && !isDefaultOff;
    return connections.get(name) ?? (isDefault ? defaultFor(project) : undefined);
  }

  return {
    has: (name) => connections.has(name),
    names: () => [...connections].map(([name, { kind }]) => ({ name, kind })),
    hint,
    pick<Kind extends ConnectionKind>(kind: Kind, name: string = kind, functionName?: string) {
      const project = functionName === undefined ? undefined : (projectOf(functionName) ?? ownProject);
      const connection = find(name, kind, project);
      if (connection?.kind !== kind) {
        const other = connection === undefined ? hint({ name, kind, functionName }) : `; "${name}" is of the kind "${connection.kind}"`;
        return missing(`no connection "${name}" of the kind "${kind}" is configured${other}`);
      }
      if (functionName === undefined || isFor(connection, project)) {
        return { kind: 'picked', name, connection: connection as ConnectionOf<Kind> };
      }
      return missing(`connection "${name}" is not for project ${project ?? 'default'}`);
    },
  };
}

function missing(why: string): Extract<Picked<never>, { kind: 'missing' }> {
  return { kind: 'missing', problem: `insufficient permission: ${why}` };
}

const publicHttp: ConnectionOf<'http'> = {
  kind: 'http',
  headers: {},
  allowHttp: false,
  ports: [],
  allowPrivate: false,
  timeoutInMs: 10_000,
};

/** Connections that are replaced as a whole. A delivery picks its connection at each try, so the next try uses the new ones. */
export class ReplaceableConnections implements Connections {
  #current: Connections;
  constructor(connections: Connections) {
    this.#current = connections;
  }
  replace(connections: Connections): void {
    this.#current = connections;
  }
  has(name: string): boolean {
    return this.#current.has(name);
  }
  names(): ReturnType<Connections['names']> {
    return this.#current.names();
  }
  hint(wanted: HintWanted): string {
    return this.#current.hint(wanted);
  }
  pick<Kind extends ConnectionKind>(kind: Kind, name?: string, functionName?: string): Picked<Kind> {
    return this.#current.pick(kind, name, functionName);
  }
}

/** Without `projects`, a connection is for every project. */
function isFor({ projects }: Connection, project: string | undefined): boolean {
  return projects === undefined || projects.some((one) => one === project);
}

/** Where an operator writes connections. */
type ConnectionsSource = {
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
function hintAt(place: ConnectionsSource | undefined, { name, kind, functionName, isPresent, fields = examples[kind] }: Wanted): string {
  if (place === undefined) return '';
  const text = JSON.stringify(isPresent ? fields : { [name]: { kind, ...fields } });
  const isForeign = functionName !== undefined && projectOf(functionName) !== undefined;
  if (isForeign) return `; ask the operator of Sequent for ${text} in the file of the connections`;
  if (place.file === undefined) return `; write ${text} to a file and start Sequent with --connections <file>`;
  const where = isPresent ? `the connection "${name}" of ${place.file}` : place.file;
  return `; write ${text} in ${where}, which takes effect within two seconds`;
}
