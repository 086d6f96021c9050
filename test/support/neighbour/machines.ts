/** How the victim's Sequent runs: the machine of the variable `SEQUENT_NEIGHBOUR_MACHINE`, by default as the user of the tests. */
type Machine = { name: string; prefix: readonly string[]; uid?: number };

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
