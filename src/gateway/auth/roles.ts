/**
 * What a credential may do in its project.
 *
 * - `invoke`: start, cancel and redrive single invocations.
 * - `read`: read functions, invocations with their payloads, and metrics.
 * - `deploy`: define, change, pause and delete functions.
 * - `admin`: everything, also operations on many invocations, and the audit log.
 */
export const ROLES = ['invoke', 'read', 'deploy', 'admin'] as const;
export type Role = (typeof ROLES)[number];
