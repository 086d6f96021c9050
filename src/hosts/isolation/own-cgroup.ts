import { dirname, join } from 'node:path';

/** The child group that holds the program's own processes: a group with children that have limits may hold no processes itself. */
export const OWN_GROUP = 'sequent';

/**
 * The folder of this program's cgroup (version 2), or why there is none.
 *
 * `cgroup` and `mounts` are the contents of `/proc/self/cgroup` and `/proc/self/mountinfo`. A program that was moved into `sequent` belongs
 * to the group above.
 */
export function findOwnCgroup({ cgroup, mounts }: { cgroup: string; mounts: string }): { folder: string } | { why: string } {
  const path = /^0::(\/.*)$/m.exec(cgroup)?.[1];
  const mount = mounts
    .split('\n')
    .map(parseMount)
    .find((each) => each !== undefined && path !== undefined && isBelow(path, each.root));
  if (path === undefined || mount === undefined) return { why: 'cgroup v2 is not mounted' };
  if (/\/session-[^/]+\.scope(\/|$)/.test(path)) return { why: 'the cgroup of this process belongs to a login session' };
  const folder = join(mount.at, path.slice(mount.root === '/' ? 0 : mount.root.length));
  return { folder: folder.endsWith(`/${OWN_GROUP}`) ? dirname(folder) : folder };
}

/** `36 35 0:31 <root> <mount point> <options> … - cgroup2 …` */
function parseMount(line: string): { root: string; at: string } | undefined {
  const [, , , root = '', at = ''] = line.split(' ');
  return / - cgroup2 /.test(line) ? { root, at } : undefined;
}

function isBelow(path: string, root: string): boolean {
  return root === '/' || path === root || path.startsWith(`${root}/`);
}
