import { InvalidInputError } from '#src/core/errors.ts';
import type { Policy } from '#src/core/functions/definition.ts';
import { type FunctionName, functionIn, parseFunctionName, splitName } from '#src/core/names/names.ts';
import type { Tenancy } from '#src/core/names/tenancy.ts';
import { functionUrn } from '#src/core/names/tenancy.ts';
import { parseFunctionUrn } from '#src/core/names/urn.ts';
import type { Call, Gateway } from './ports.ts';

/**
 * What one caller may see: the functions of the project of its credential, and their history.
 *
 * Internally, a function of the own project is named by its name, which contains its package (PKG1), and a function of another project by
 * `<project>=<name>`. This _token_ stands in subjects, in the registry and in the history. Every route keeps three rules:
 * 1. It converts each name of a request into a token with `token`.
 * 2. It converts each token of a reply into a name with `nameOf`.
 * 3. If `owns` rejects the function of an invocation, it replies as if the invocation did not exist.
 */
export interface Scope {
  readonly project: string;
  /** Whether no credentials are configured. Then every caller is the operator, sees all functions, and may use tokens as names. */
  readonly isOpen: boolean;
  /** The token of the caller's function of this name. Throws `InvalidInputError` for an invalid name. */
  token(name: string): FunctionName;
  /** The name by which the caller knows the function. */
  nameOf(token: string): string;
  owns(token: string): boolean;
  urnOf(token: string, qualifier: string): string;
  /** Restricts a query of the history service to the caller's project: spread it into the query. */
  readonly filter: { project?: string };
}

/** The scope of a call that passed `authenticate`. */
export function scopeOf(call: Call, { credentials, tenancy }: Pick<Gateway, 'credentials' | 'tenancy'>): Scope {
  const { isOpen } = credentials;
  // Without credentials a path may name any project, and the URNs of the reply name the same one.
  const project = call.get('project') ?? call.req.param('project' as never) ?? tenancy.project;
  return isOpen ? openScope(project, tenancy) : cachedScope(project, tenancy);
}

/** Cached, because every call needs its scope and the credentials name few projects. */
const scopes = new WeakMap<Tenancy, Map<string, Scope>>();

function cachedScope(project: string, tenancy: Tenancy): Scope {
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

/** The scope of a project. The tokens of the own project's functions contain no project. */
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
 * Refuses a destination whose function URN names another project, because a chain always invokes a function of the same project. Throws
 * `InvalidInputError`. An invalid URN passes this check; the registry refuses it with the reason.
 */
export function checkTargets(
  { isOpen, project }: Scope,
  { onSuccess = [], onFailure = [] }: Partial<Pick<Policy, 'onSuccess' | 'onFailure'>>,
): void {
  if (isOpen) return;
  for (const { destination, param } of [...onSuccess, ...onFailure]) {
    const named = destination === 'FunctionGraph' ? projectIn(param) : undefined;
    if (named === undefined || named === project) continue;
    throw new InvalidInputError({
      field: 'func_urn of a destination',
      problem: `names project ${named}, but the function is in project ${project}`,
    });
  }
}

function projectIn(param: string): string | undefined {
  try {
    return parseFunctionUrn(String((JSON.parse(param) as { func_urn?: unknown }).func_urn)).project;
  } catch {
    return undefined;
  }
}
