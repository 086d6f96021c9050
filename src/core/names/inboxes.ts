/**
 * Prefixes of the subjects on which replies arrive.
 *
 * Each role has a prefix of its own, which is one token. A permission on `_INBOX.>`, the prefix of other NATS clients, therefore covers no
 * reply to Sequent.
 */

const PREFIX = '_INBOX_sequent_';

/** The inbox prefix of NATS clients that configure none. */
export const DEFAULT_INBOX_PREFIX = '_INBOX';

/** The inbox prefix of a role, or of the clients of one project in that role. */
export function inboxPrefixOf(role: string, project?: string): string {
  return project === undefined ? PREFIX + role : `${PREFIX}${role}_${project}`;
}
