import type { Permissions } from './role-permissions.ts';

/** The set of one user under a name for it. */
export type NamedPermissions = { name: string; permissions: Permissions };

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

/** The `nsc` command that creates the user, for a shell. */
export function toNsc({ name, permissions }: NamedPermissions): string {
  const { publish, subscribe, allowResponses } = permissions;
  const words = [
    `nsc add user --name ${name}`,
    `--allow-pub '${publish.join(',')}'`,
    `--allow-sub '${subscribe.join(',')}'`,
    ...(allowResponses ? ['--allow-pub-response'] : []),
  ];
  return words.join(' \\\n  ');
}

function listOf(operation: 'publish' | 'subscribe', subjects: readonly string[]): string[] {
  return [`    ${operation}: { allow: [`, ...subjects.map((subject) => `      ${JSON.stringify(subject)}`), '    ] }'];
}
