import { chown, copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';

/** How the victim's Sequent runs: the machine of the variable `SEQUENT_NEIGHBOUR_MACHINE`, by default as the user of the tests. */
export type Machine = { name: string; prefix: readonly string[]; uid?: number };

const NOBODY = 65_534;
const asNobody = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'];
/** In a user namespace that allows no further ones, and without rights in it: as on a machine that forbids user namespaces. */
const withoutNamespaces = [
  ...['unshare', '--user', '--map-current-user', '--keep-caps', 'sh', '-c'],
  'echo 0 >/proc/sys/user/max_user_namespaces && exec setpriv --ambient-caps=-all --inh-caps=-all --bounding-set=-all "$@"',
  'sh',
];

const machines: readonly Machine[] = [
  { name: 'own', prefix: [] },
  { name: 'user', prefix: asNobody, uid: NOBODY },
  { name: 'user-without-namespaces', prefix: [...asNobody, ...withoutNamespaces], uid: NOBODY },
];

export function chosenMachine(): Machine {
  const name = process.env.SEQUENT_NEIGHBOUR_MACHINE ?? 'own';
  const found = machines.find((machine) => machine.name === name);
  if (found === undefined) throw new Error(`${name} is none of ${machines.map((machine) => machine.name).join(', ')}`);
  return found;
}

/** The kinds of servers (`serveChosen`). */
const SERVERS: readonly string[] = ['embedded', 'cluster'];
export const chosenServers = (): string => process.env.SEQUENT_NEIGHBOUR_SERVERS ?? 'embedded';

export const VARIANTS = machines.length * SERVERS.length;
/** The number of this variant: each one attacks a position with other texts, and looks at other pages. */
export const variant = (): number => SERVERS.indexOf(chosenServers()) * machines.length + machines.indexOf(chosenMachine());

/** The variable with a nats-server that the user of the machine may run: one in the home folder of root is copied. */
export async function serverFor({ uid }: Machine, folder: string): Promise<Record<string, string>> {
  const given = process.env.NATS_SERVER_BIN;
  if (uid === undefined || given === undefined) return {};
  const copy = join(folder, 'nats-server');
  await copyFile(given, copy);
  return { NATS_SERVER_BIN: copy };
}

/** Creates a folder that the user of the machine owns. */
export async function takeFolder(machine: Machine, path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  if (machine.uid !== undefined) await chown(path, machine.uid, machine.uid);
}
