import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { InvalidInputError } from '#src/core/errors.ts';
import { projectOf } from '#src/core/names/addressable.ts';
import { parseJson } from '#src/core/text/json.ts';
import { type Connection, type ConnectionKind, type ConnectionOf, type Connections, connectionSchema } from './targets/connection.ts';

const connectionName = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/, 'must be 1 to 64 letters, digits, "-" or "_", and start with a letter');
const connectionsSchema = z.record(connectionName, connectionSchema);

/**
 * Reads the connections of a JSON file. Secrets are references, which are read at each use.
 *
 * Throws `InvalidInputError` with the name of the field. The message repeats no value of the file.
 */
export async function openConnections(file: string, ownProject?: string): Promise<Connections> {
  const field = `the connections file ${file}`;
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new InvalidInputError({ field, problem: `cannot be read (${(cause as NodeJS.ErrnoException).code})` }, { cause });
  }
  const json = parseJson(text);
  if (json === undefined) throw new InvalidInputError({ field, problem: 'is not valid JSON' });
  return parseConnections(json, { field, ownProject });
}

/** `ownProject` is the id of the project whose functions have bare names. Throws `InvalidInputError` with the name of the field. */
export function parseConnections(
  input: unknown,
  { field = 'the connections', ownProject }: { field?: string; ownProject?: string | undefined } = {},
): Connections {
  const parsed = connectionsSchema.safeParse(input);
  if (!parsed.success)
    throw new InvalidInputError({ field, problem: `cannot be used:\n${z.prettifyError(parsed.error)}` }, { cause: parsed.error });
  const connections = new Map<string, Connection>(Object.entries(parsed.data));
  return {
    has: (name) => connections.has(name),
    pick<Kind extends ConnectionKind>(kind: Kind, name: string = kind, functionName?: string) {
      const connection = connections.get(name);
      if (connection?.kind !== kind) {
        const other = connection === undefined ? '' : `; "${name}" is of the kind "${connection.kind}"`;
        return { kind: 'missing', problem: `insufficient permission: no connection "${name}" of the kind "${kind}" is configured${other}` };
      }
      const project = functionName === undefined ? undefined : (projectOf(functionName) ?? ownProject);
      if (functionName === undefined || isFor(connection, project)) {
        return { kind: 'picked', name, connection: connection as ConnectionOf<Kind> };
      }
      return { kind: 'missing', problem: `insufficient permission: connection "${name}" is not for project ${project ?? 'default'}` };
    },
  };
}

/** Without `projects`, a connection is for every project. */
function isFor({ projects }: Connection, project: string | undefined): boolean {
  return projects === undefined || projects.some((one) => one === project);
}
