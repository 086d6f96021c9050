import type { FunctionDefinition } from '#src/core/functions/definition.ts';
import { projectOf } from '#src/core/names/addressable.ts';
import { hasPermissionModel } from './node-permissions.ts';
import type { IsolationPlan } from './plan.ts';
import type { Sandbox } from './sandbox-command.ts';

type Named = Pick<FunctionDefinition, 'name'>;

/** How one worker isolates the code of other projects. Code of the own project is the operator's, and runs as the worker's user. */
export interface Isolation {
  /** Why the function does not run here, and what to do; `undefined` when it runs. */
  refuse(definition: Named): string | undefined;
  /** The sandbox of a function; `undefined` when the function runs without one. Only another project's first function waits. */
  sandboxOf(definition: Named): Promise<Sandbox> | undefined;
}

export type IsolationOptions = {
  plan: IsolationPlan;
  uidOf: (project: string) => Promise<number>;
  /** The projects whose functions may use the network of the machine. */
  networkProjects: readonly string[];
  /** The projects whose functions may start processes and threads, and load native add-ons. */
  processProjects: readonly string[];
};

export function createIsolation({ plan, uidOf, networkProjects, processProjects }: IsolationOptions): Isolation {
  const { level, hasOwnUsers, isFiltered, refusal } = plan;

  async function sandboxOf(project: string, sandboxed: Sandbox['level']): Promise<Sandbox> {
    return {
      level: sandboxed,
      uid: hasOwnUsers ? await uidOf(project) : undefined,
      hasNetwork: networkProjects.includes(project),
      isFiltered,
      isRestricted: hasPermissionModel && !processProjects.includes(project),
    };
  }

  return {
    refuse: ({ name }) => (projectOf(name) === undefined ? undefined : refusal),
    sandboxOf({ name }) {
      const project = projectOf(name);
      return project === undefined || level === 'none' ? undefined : sandboxOf(project, level);
    },
  };
}

/** Isolates nothing: for hosts that run code of one project only. */
export const noIsolation: Isolation = { refuse: () => undefined, sandboxOf: () => undefined };
