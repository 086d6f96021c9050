import { ALL_RESULTS, HISTORY_GROUP, SEQUENT_SUBJECTS } from '#src/core/names/subjects.ts';
import type { PermissionRole } from './role-permissions.ts';

/*
 * The NATS accounts of Sequent and of its clients (ACC1 to ACC3, src/DESIGN.md).
 *
 * JetStream publishes its acknowledgement to the subject that the publisher chose, as the server, and a service publishes its answer as its
 * own user. A service import replaces that subject by one that leads back to the account of the client; a stream import lets nothing in.
 */

/** The account with the streams, the roles and all users that JetStream's API trusts. */
export const SEQUENT_ACCOUNT = 'SEQUENT';
const CLIENTS_ACCOUNT = 'SEQUENT_CLIENTS';
/** The account of a server's users that name none. No configuration can give it exports. */
export const GLOBAL_ACCOUNT = '$G';

/** What an account imports from that of Sequent. */
export type Border = { services: readonly string[]; streams: readonly string[] };

/** A user of an account, as an entry of the `users` of a nats-server configuration. Only users of other accounts have a `border`. */
export type AccountUser = { account: string; border?: Border | undefined; entry: string };

/** The account of a user: clients of one project share an account, and so do clients of all projects. */
export function accountOf(role: PermissionRole, project?: string): string {
  if (borderOf(role, project) === undefined) return SEQUENT_ACCOUNT;
  return project === undefined ? CLIENTS_ACCOUNT : `${CLIENTS_ACCOUNT}_${project}`;
}

/** What a client needs of Sequent's account; `undefined` for a user of that account. */
export function borderOf(role: PermissionRole, project?: string): Border | undefined {
  const { invoke, invokeOf } = SEQUENT_SUBJECTS;
  if (role === 'producer') return { services: project === undefined ? [invoke, invokeOf] : [`invoke.${project}.*`], streams: [] };
  if (role === 'consumer') return { services: [], streams: [project === undefined ? ALL_RESULTS : `result.${project}.*.*`] };
  if (role !== 'history' || project === undefined) return undefined;
  return { services: [`${HISTORY_GROUP}.project.${project}.*`], streams: [] };
}

/** What the anonymous user of a server that Sequent starts needs: functions of the own project, and results. */
export const anonymousUser = { account: CLIENTS_ACCOUNT, border: { services: [SEQUENT_SUBJECTS.invoke], streams: [ALL_RESULTS] } };

/** The lines of a nats-server configuration with the accounts of these users. */
export function accountsConfig(users: readonly AccountUser[]): string[] {
  const clients = [...new Set(users.map(({ account }) => account))].filter((account) => account !== SEQUENT_ACCOUNT);
  const entriesOf = (account: string): string[] => users.filter((user) => user.account === account).map(({ entry }) => entry);
  const borders = new Map(clients.map((account) => [account, bordersOf(users, account)]));
  return [
    'accounts {',
    `${SEQUENT_ACCOUNT} {`,
    'jetstream: enabled',
    'exports: [',
    ...exportsTo(borders),
    ']',
    ...usersOf(entriesOf(SEQUENT_ACCOUNT)),
    '}',
    ...clients.flatMap((account) => [
      `${account} {`,
      'imports: [',
      ...(borders.get(account) ?? []).map(({ kind, subject }) => `  { ${kind}: { account: ${SEQUENT_ACCOUNT}, subject: "${subject}" } }`),
      ']',
      ...usersOf(entriesOf(account)),
      '}',
    ]),
    '}',
  ];
}

/** A subject that crosses the border of two accounts. */
export type Crossing = { kind: 'service' | 'stream'; subject: string };

function bordersOf(users: readonly AccountUser[], account: string): Crossing[] {
  const borders = users.flatMap((user) => (user.account === account && user.border !== undefined ? [user.border] : []));
  return crossingsOf({ services: borders.flatMap(({ services }) => services), streams: borders.flatMap(({ streams }) => streams) });
}

/** The imports of a border, each once. */
export function crossingsOf({ services, streams }: Border): Crossing[] {
  return [
    ...[...new Set(services)].map((subject) => ({ kind: 'service' as const, subject })),
    ...[...new Set(streams)].map((subject) => ({ kind: 'stream' as const, subject })),
  ];
}

/** Each export names the accounts that may import it: no other account of the server gets it. */
function exportsTo(borders: ReadonlyMap<string, readonly Crossing[]>): string[] {
  const importers = new Map<string, string[]>();
  for (const [account, crossings] of borders)
    for (const { kind, subject } of crossings) {
      const text = `${kind}: "${subject}"`;
      importers.set(text, [...(importers.get(text) ?? []), account]);
    }
  return [...importers].map(([text, accounts]) => `  { ${text}, accounts: [${accounts.join(', ')}] }`);
}

const usersOf = (entries: readonly string[]): string[] => ['users: [', ...entries, ']'];
