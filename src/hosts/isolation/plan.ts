/** The choices of `--isolation`: what happens to code of other projects on a machine that cannot isolate it. */
export const ISOLATION_MODES = ['require', 'prefer', 'none'] as const;
export type IsolationMode = (typeof ISOLATION_MODES)[number];

/** The user ids that projects may get, both inclusive. */
export type UidRange = { first: number; last: number };

/** What this machine can do, found by trying it. A text says why it cannot. */
export type Abilities = {
  /** Only root can start processes as other users. */
  isRoot: boolean;
  /** Own namespaces for processes, mounts, network and, unless started as root, users. */
  namespaces: true | string;
  /** Processes of another user than the worker's. */
  otherUsers: true | string;
  /** A filter of system calls, which util-linux 2.40 and newer load. */
  filter: true | string;
};

/**
 * How code of other projects runs.
 *
 * | level        | user                                       | processes, files, network               |
 * | ------------ | ------------------------------------------ | --------------------------------------- |
 * | `namespaces` | one of the project as root, else the worker's | own: only the runtime and the code are visible |
 * | `user`       | one of the project                         | those of the machine, with file permissions |
 * | `none`       | the worker's                               | those of the machine                    |
 */
type IsolationLevel = 'namespaces' | 'user' | 'none';

export type IsolationPlan = {
  level: IsolationLevel;
  /** Whether each project has its own user id. */
  hasOwnUsers: boolean;
  /** Whether system calls are filtered. */
  isFiltered: boolean;
  /** Why code of other projects does not run here, and what to do; `undefined` when it runs. */
  refusal: string | undefined;
  /** One line for `sequent doctor` and `/api/system`. */
  summary: string;
};

/** Decides how code of other projects runs. A pure function, so that every combination can be tested. */
export function planIsolation(mode: IsolationMode, { isRoot, namespaces, otherUsers, filter }: Abilities): IsolationPlan {
  const isFiltered = filter === true;
  const unfiltered = isFiltered ? '' : `; system calls are not filtered (${filter})`;
  if (mode === 'none') {
    return {
      level: 'none',
      hasOwnUsers: false,
      isFiltered: false,
      refusal: undefined,
      summary: `none, by --isolation none: ${UNCONTAINED}`,
    };
  }
  if (namespaces === true) {
    const user = isRoot ? 'with a user of its own' : "with the worker's user, which sees nothing of it";
    const summary = `namespaces: each process of another project has own processes, files and network, ${user}${unfiltered}`;
    return { level: 'namespaces', hasOwnUsers: isRoot, isFiltered, refusal: undefined, summary };
  }
  const level = otherUsers === true ? 'user' : 'none';
  const got = level === 'user' ? 'users only: other projects share network and visible processes with the worker' : `none: ${UNCONTAINED}`;
  const missing = `namespaces are not available (${namespaces})`;
  if (mode === 'prefer') return { level, hasOwnUsers: level === 'user', isFiltered, refusal: undefined, summary: `${got}; ${missing}` };
  const refusal = `this worker cannot isolate the code of other projects: ${missing}. ${remedyFor(isRoot)}`;
  return { level, hasOwnUsers: level === 'user', isFiltered, refusal, summary: `missing: code of other projects is refused; ${missing}` };
}

const UNCONTAINED = "code of other projects runs with the worker's user, files and network";

function remedyFor(isRoot: boolean): string {
  const allow = isRoot
    ? 'Install util-linux, and give the container CAP_SYS_ADMIN'
    : 'Install util-linux, and allow user namespaces (sysctl kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns) or start the worker as root';
  return `${allow}, or accept less with --isolation prefer`;
}
