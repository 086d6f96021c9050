import type { CircuitState } from './ports/questions/circuit-states.ts';
import type { RoleInstance } from './ports/questions/role-instances.ts';

/** The circuit of one function and target, of the process that keeps it open for the longest time. */
export type UnclosedCircuit = Omit<CircuitState, 'deliverer'> & {
  /** How many processes have a circuit of the function and target that is not closed. */
  processes: number;
};

/** What helps against a circuit that is not closed. */
export const CIRCUIT_REMEDY =
  'repair the target; the deliveries wait in the log, and then continue by themselves (docs/operations.md#dead-target)';

/** The circuits that are not closed in any of the processes, one for each function and target, in the order of their names. */
export function unclosedCircuits(instances: readonly Pick<RoleInstance, 'circuits'>[]): UnclosedCircuit[] {
  const found = new Map<string, UnclosedCircuit>();
  for (const { deliverer: _, ...circuit } of instances.flatMap(({ circuits = [] }) => circuits)) {
    const key = JSON.stringify([circuit.function, circuit.target]);
    const other = found.get(key);
    const processes = (other?.processes ?? 0) + 1;
    found.set(key, { ...(other !== undefined && other.openUntil >= circuit.openUntil ? other : circuit), processes });
  }
  return [...found.values()].sort((one, other) => one.function.localeCompare(other.function) || one.target.localeCompare(other.target));
}

/** How many circuits the answers of the processes do not name. */
export function countOmittedCircuits(instances: readonly Pick<RoleInstance, 'omittedCircuits'>[]): number {
  return instances.reduce((sum, { omittedCircuits = 0 }) => sum + omittedCircuits, 0);
}

type Described = Pick<CircuitState, 'target' | 'state' | 'openUntil' | 'failures' | 'reason'> & { function?: string };

/** The state of a circuit as a sentence without a full stop. A delivery names its function elsewhere. */
export function describeCircuit({ target, function: name, state, openUntil, failures, reason }: Described): string {
  const whose = `the circuit of ${target}${name === undefined ? '' : ` for ${name}`}`;
  const phase = state === 'open' ? `open until ${new Date(openUntil).toISOString()}` : 'half-open, and waits for the result of a probe';
  return `${whose} is ${phase}; ${failures} failures in a row; last: ${reason}`;
}
