/** Of processes that work for one project: a third of the share of a process that serves everyone. Beside a load of all cores, they still start in time. */
export const PROJECT_NICENESS: number;

/**
 * Lowers the priority of a process and of all that it starts later, by default to {@link PROJECT_NICENESS}. Does nothing for a process that has ended.
 *
 * `leadsSession`: whether the process was started as the leader of a session (`detached`).
 */
export function lowerPriority(pid: number | undefined, options: { leadsSession: boolean; niceness?: number }): void;

/**
 * Lowers the weight of the session that a process leads: Linux may weigh sessions against each other before it weighs their processes. For a
 * process that lowers its own priority, which `lowerPriority` could lower twice.
 */
export function lowerSession(pid: number | undefined, niceness?: number): void;
