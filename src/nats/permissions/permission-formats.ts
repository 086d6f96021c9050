import { type AccountUser, accountOf, type Border, borderOf, crossingsOf, SEQUENT_ACCOUNT } from './accounts.ts';
import { isClient, type PermissionOptions, type PermissionRole, type Permissions, permissionsOf } from './role-permissions.ts';

/** The set of one user under a name for it. */
export type NamedPermissions = { name: string; permissions: Permissions };
/** The same with the account of the user. */
export type PlacedPermissions = NamedPermissions & { account: string; border?: Border | undefined };

/** The user of a role, or of the clients of one project in that role. */
export function userOfRole(role: PermissionRole, { project, domain }: PermissionOptions = {}): PlacedPermissions {
  const limit = isClient(role) ? project : undefined;
  const name = limit === undefined ? `sequent_${role}` : `sequent_${role}_${limit}`;
  return { name, account: accountOf(role, limit), border: borderOf(role, limit), permissions: permissionsOf(role, { project, domain }) };
}

/** A user of `accountsConfig`. */
export function toAccountUser(user: PlacedPermissions): AccountUser {
  return { account: user.account, border: user.border, entry: toServerConfig(user) };
}

/** An entry for the `users` of a nats-server configuration. The server reads the password from an environment variable. */
export function toServerConfig({ name, permissions }: NamedPermissions): string {
  return entry([`  user: "${name}"`, `  password: $${passwordVariableOf(name)}`], permissions);
}

/** The same for a user with an nkey: the server knows the public key only. */
export function toNkeyConfig(publicKey: string, { name, permissions }: NamedPermissions): string {
  return entry([`  # ${name}`, `  nkey: ${publicKey}`], permissions);
}

function entry(identity: readonly string[], { publish, subscribe, allowResponses }: Permissions): string {
  const lines = [
    '{',
    ...identity,
    '  permissions: {',
    ...listOf('publish', publish),
    ...listOf('subscribe', subscribe),
    ...(allowResponses ? ['    allow_responses: true'] : []),
    '  }',
    '}',
  ];
  return lines.join('\n');
}

/** The name of the environment variable with the password of a user. */
export function passwordVariableOf(name: string): string {
  return `${name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}_PASSWORD`;
}

/** The `nsc` command that creates the user, for a shell, after what its account must import. */
export function toNsc({ name, permissions, account, border }: PlacedPermissions): string {
  const { publish, subscribe, allowResponses } = permissions;
  const imports = border === undefined ? [] : crossingsOf(border).map(({ kind, subject }) => `the ${kind} "${subject}"`);
  const comment = border === undefined ? '' : `# ${account} imports from ${SEQUENT_ACCOUNT}, as private exports: ${imports.join(', ')}\n`;
  const words = [
    `${comment}nsc add user --account ${account} --name ${name}`,
    `--allow-pub '${publish.join(',')}'`,
    `--allow-sub '${subscribe.join(',')}'`,
    ...(allowResponses ? ['--allow-pub-response'] : []),
  ];
  return words.join(' \\\n  ');
}

function listOf(operation: 'publish' | 'subscribe', subjects: readonly string[]): string[] {
  return [`    ${operation}: { allow: [`, ...subjects.map((subject) => `      ${JSON.stringify(subject)}`), '    ] }'];
}
