import { chmodSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { DEFAULT_INBOX_PREFIX, inboxPrefixOf } from '#src/core/names/inboxes.ts';
import { SEQUENT_SUBJECTS } from '#src/core/names/subjects.ts';
import { accountsConfig, anonymousUser, SEQUENT_ACCOUNT } from '#src/nats/permissions/accounts.ts';
import { PERMISSION_ROLES } from '#src/nats/permissions/role-permissions.ts';
import { createNkeySeed, publicNkeyOf } from '#src/nats/transport/connection/nkey.ts';

/*
 * Who may connect to the embedded server.
 *
 * N-4  Sequent connects as a user with an nkey. The seed is in the data folder, and only the owner of the folder can read it.
 * N-5  A client without credentials is the anonymous user, who may publish requests and subscribe to results, and may do nothing else. This
 *      user is in an account of its own (ACC2), so a reply subject of its choice reaches nothing of Sequent. `--nats-anonymous off` refuses
 *      such clients.
 * N-6  The inboxes of Sequent have prefixes of their own, so the anonymous user hears none of the replies to Sequent.
 * N-7  A worker asks the responders of functions as a user of its own, who may publish to no subject of Sequent or of the server.
 */

/** `on`: clients without credentials are the anonymous user. `off`: they are refused. */
export const ANONYMOUS_CHOICES = ['on', 'off'] as const;
export type Anonymous = (typeof ANONYMOUS_CHOICES)[number];

/** The users of a server: the public keys of Sequent and of its requests to responders, and whether there is an anonymous user. */
export type Access = { publicKey: string; respondersKey: string; anonymous: Anonymous };

const ANONYMOUS_USER = 'anonymous';

/** The inbox of clients that configure no prefix, as the `nats` command. */
const anonymousPermissions = {
  publish: { allow: [SEQUENT_SUBJECTS.invoke] },
  subscribe: { allow: ['result.>', '_INBOX.>'] },
};

/** The first tokens of the server's own subjects. */
const ofServer = ['$JS', '$KV', '$O', '$OBJ', '$SRV', '$SYS', '$MQTT', '$G', '$NRG', DEFAULT_INBOX_PREFIX];

/** The own project may address every subject that is neither Sequent's nor the server's, so the list names what is refused. */
function respondersPermissions() {
  const reserved = new Set([...Object.values(SEQUENT_SUBJECTS).map((pattern) => pattern.split('.', 1)[0] ?? ''), ...ofServer]);
  const inboxes = PERMISSION_ROLES.map((role) => inboxPrefixOf(role));
  return {
    publish: { deny: [...reserved, ...inboxes].flatMap((first) => [first, `${first}.>`]) },
    subscribe: { allow: [`${inboxPrefixOf('responders')}.>`] },
  };
}

/** The lines of the server's configuration. */
export function accessLines({ publicKey, respondersKey, anonymous }: Access): string[] {
  const own = [{ nkey: publicKey }, { nkey: respondersKey, permissions: respondersPermissions() }];
  const users = own.map((user) => ({ account: SEQUENT_ACCOUNT, entry: JSON.stringify(user) }));
  if (anonymous === 'off') return accountsConfig(users);
  // Everyone may be this user, so the password protects nothing. The server requires one.
  const other = JSON.stringify({ user: ANONYMOUS_USER, password: ANONYMOUS_USER, permissions: anonymousPermissions });
  return [...accountsConfig([...users, { ...anonymousUser, entry: other }]), `no_auth_user: ${ANONYMOUS_USER}`];
}

/**
 * Returns the seed in a file, which only its owner may read, and its public key. Creates the file if it is missing; the caller holds the lock
 * of the folder.
 */
export function ensureKey(file: string): { seed: string; publicKey: string } {
  if (!existsSync(file)) {
    writeFileSync(`${file}.next`, `${createNkeySeed()}\n`, { mode: 0o600 });
    renameSync(`${file}.next`, file);
  }
  chmodSync(file, 0o600);
  const seed = readFileSync(file, 'utf8').trim();
  return { seed, publicKey: publicNkeyOf(seed) };
}
