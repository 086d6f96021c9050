import { InvalidInputError } from '#src/core/errors.ts';
import type { Policy } from '#src/core/functions/definition.ts';
import { type FunctionName, functionIn, parseFunctionName, splitName } from '#src/core/names/names.ts';
import type { Tenancy } from '#src/core/names/tenancy.ts';
import { functionUrn } from '#src/core/names/tenancy.ts';
import { parseFunctionUrn } from '#src/core/names/urn.ts';
import type { Call, Gateway } from './ports.ts';

/**
 * What one caller may see: the functions of the project that its credential belongs to, and their history.
 *
 * Inside, a function of the own project has its bare name and that of another one is `<project>=<name>` (the token of its
 * subjects, its key in the registry, its name in the history). A route turns every name that came from outside into a token with
 * `token`, every token that goes out into a name with `nameOf`, and answers about an invocation only if `owns` its function;
 * otherwise as if it did not exist.
 */
export interface Scope {
  readonly project: string;
  /** Everything, because there are no credentials: whoever reaches the gateway is its operator, and may say tokens. */
  readonly isOpen: boolean;
  /** The token of the caller's function of this name. Throws `InvalidInputError` for what is no name. */
  token(name: string): FunctionName;
  /** The name of a function as the caller knows it. */
  nameOf(token: string): string;
  owns(token: string): boolean;
  urnOf(token: string, qualifier: string): string;
  /** What a question to the history service is narrowed by, besides what the caller asks: spread it into the query. */
  readonly filter: { project?: string };
}

/** The scope of a call that passed `authenticate`. */
export function scopeOf(call: Call, { credentials, tenancy: place }: Pick<Gateway, 'credentials' | 'tenancy'>): Scope {
  const isOpen = credentials.length === 0;
  // Without credentials any project of a path will do, and is what the URNs then say.
  const project = call.get('project') ?? call.req.param('project' as never) ?? place.project;
  return isOpen ? openScope(project, place) : knownScope(project, place);
}

/** The credentials name a few projects, and every call asks. */
const scopes = new WeakMap<Tenancy, Map<string, Scope>>();

function knownScope(project: string, tenancy: Tenancy): Scope {
  let known = scopes.get(tenancy);
  if (known === undefined) {
    known = new Map();
    scopes.set(tenancy, known);
  }
  let scope = known.get(project);
  if (scope === undefined) {
    scope = projectScope(project, tenancy);
    known.set(project, scope);
  }
  return scope;
}

function openScope(project: string, tenancy: Tenancy): Scope {
  return {
    project,
    isOpen: true,
    token: parseFunctionName,
    nameOf: (token) => token,
    owns: () => true,
    urnOf: (token, qualifier) => functionUrn({ ...tenancy, project }, token, qualifier),
    filter: {},
  };
}

/** The scope of a project. The own one's functions are those without a project in their name. */
function projectScope(project: string, tenancy: Tenancy): Scope {
  const other = project === tenancy.project ? undefined : project;
  return {
    project,
    isOpen: false,
    token: (name) => functionIn(other, name),
    nameOf: (token) => splitName(token).bare,
    owns: (token) => splitName(token).project === other,
    urnOf: (token, qualifier) => functionUrn({ ...tenancy, project }, token, qualifier),
    filter: { project: other ?? '' },
  };
}

/**
 * Refuses a destination that names a function of another project: whatever its URN says, it would be one of the own project that
 * is invoked. Throws `InvalidInputError`. What is no URN is refused elsewhere, with the reason.
 */
export function checkTargets(
  { isOpen, project }: Scope,
  { onSuccess = [], onFailure = [] }: Partial<Pick<Policy, 'onSuccess' | 'onFailure'>>,
): void {
  if (isOpen) return;
  for (const { destination, param } of [...onSuccess, ...onFailure]) {
    const named = destination === 'FunctionGraph' ? projectIn(param) : undefined;
    if (named === undefined || named === project) continue;
    throw new InvalidInputError({ field: 'func_urn of a destination', problem: `names project ${named}, and this is ${project}` });
  }
}

function projectIn(param: string): string | undefined {
  try {
    return parseFunctionUrn(String((JSON.parse(param) as { func_urn?: unknown }).func_urn)).project;
  } catch {
    return undefined;
  }
}
