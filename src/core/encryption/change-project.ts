import { randomBytes } from 'node:crypto';
import { ConflictError, InvalidInputError } from '#src/core/errors.ts';
import type { KeyValue } from '#src/core/ports/key-value.ts';
import type { MasterKeys } from './master-keys.ts';
import {
  type DataKeyName,
  dataKeyOf,
  erasedUpTo,
  type ProjectSettings,
  parseDataKeyName,
  parseSettings,
  scopeIn,
  scopeOf,
  settingsKeyOf,
} from './project-settings.ts';
import { secretKeysOf } from './secret-sealer.ts';
import { unwrapKey, wrapKey } from './wrapped-key.ts';

/** The changes of the settings and of the data keys of projects. `project`: `undefined` means the own project. */

/** How long a request whose payload is not sealed is accepted after the change: another process may hear of the change later. */
const GRACE_IN_MS = 10_000;

export type SettingsOfProject = ProjectSettings & { project: string | undefined };

/** The projects that have settings. */
export async function listProjects(store: KeyValue): Promise<SettingsOfProject[]> {
  const scopes = (await store.keys()).map(scopeIn).filter((scope) => scope !== undefined);
  const found = scopes.map(async (scope) => {
    const settings = await readSettings(store, scope);
    return settings === undefined ? [] : [{ project: scope === 'own' ? undefined : scope.slice('project.'.length), ...settings.value }];
  });
  return (await Promise.all(found)).flat();
}

/** Encrypts the payloads of a project from now on. Every process of Sequent has heard of it, or was not reached within a second. */
export async function encryptProject(
  store: KeyValue,
  project: string | undefined,
  { keys, now }: { keys: MasterKeys; now: number },
): Promise<void> {
  const scope = scopeOf(project);
  const present = await readSettings(store, scope);
  if (present?.value.payloads === 'encrypted') return;
  await addDataKey(store, scope, { keys, change: (settings) => ({ ...settings, payloads: 'encrypted', since: now + GRACE_IN_MS }) });
}

/** Encrypts no further payload of a project. What is encrypted stays encrypted, and can be read. */
export async function stopEncrypting(store: KeyValue, project: string | undefined): Promise<void> {
  const scope = scopeOf(project);
  const present = await readSettings(store, scope);
  if (present !== undefined) await putSettings(store, scope, { ...present.value, payloads: 'plain' }, present.revision);
}

/** Makes a new data key for every project that encrypts payloads. Earlier data keys still open what they sealed. */
export async function renewDataKeys(store: KeyValue, keys: MasterKeys): Promise<SettingsOfProject[]> {
  const encrypting = (await listProjects(store)).filter(({ payloads }) => payloads === 'encrypted');
  for (const { project } of encrypting) await addDataKey(store, scopeOf(project), { keys, change: (settings) => settings });
  return encrypting;
}

/** Wraps every data key with the current master key, and erases the entries of other master keys (ENC3). Resolves to how many. */
export async function wrapDataKeysAgain(store: KeyValue, keys: MasterKeys): Promise<number> {
  const entries = (await store.keys()).flatMap((entry) => {
    const name = parseDataKeyName(entry);
    return name === undefined || name.master === keys.current ? [] : [{ entry, name }];
  });
  for (const { entry, name } of entries) await wrapAgain(store, { entry, name, keys });
  return entries.length;
}

type Erasure = { by: string; at: number; reason?: string | undefined };

/**
 * Erases a project (ENC8): records the erasure in its settings, which stops its functions, and then destroys its data keys, also that of
 * secret user data. A repeated call completes an interrupted one.
 */
export async function eraseProject(
  { store, secrets }: { store: KeyValue; secrets: KeyValue },
  project: string | undefined,
  { by, at, reason }: Erasure,
): Promise<ProjectSettings> {
  const scope = scopeOf(project);
  const present = await readSettings(store, scope);
  let settings = present?.value;
  if (settings?.payloads !== 'erased') {
    const { key = 0, since = at, erasures = [] } = settings ?? {};
    const erasure = { upTo: key, at, by, ...(reason === undefined ? {} : { reason }) };
    settings = { v: 1, payloads: 'erased', key, since, erasures: [...erasures, erasure] };
    await putSettings(store, scope, settings, present?.revision ?? 0);
  }
  for (const entry of await store.keys()) if (parseDataKeyName(entry)?.scope === scope) await store.erase(entry);
  for (const entry of secretKeysOf(project)) await secrets.erase(entry);
  return settings;
}

type DataKeyChange = { keys: MasterKeys; change: (settings: ProjectSettings) => ProjectSettings };

/** The data key is stored before the settings that name it, so no process seals by a missing one. */
async function addDataKey(store: KeyValue, scope: string, { keys, change }: DataKeyChange): Promise<void> {
  const present = await readSettings(store, scope);
  const settings = change(present?.value ?? { v: 1, payloads: 'plain', key: 0, since: 0, erasures: [] });
  const number = settings.key + 1;
  const entry = dataKeyOf({ scope, number, master: keys.current });
  await store.put(entry, wrapKey(entry, randomBytes(32), keys), 0).catch((cause: unknown) => {
    // A call that was interrupted before the settings left the key, which nothing has used.
    if (!(cause instanceof ConflictError)) throw cause;
  });
  await putSettings(store, scope, { ...settings, key: number }, present?.revision ?? 0);
}

async function wrapAgain(store: KeyValue, { entry, name, keys }: { entry: string; name: DataKeyName; keys: MasterKeys }): Promise<void> {
  const stored = await store.get(entry);
  if (stored === undefined) return;
  const again = dataKeyOf({ ...name, master: keys.current });
  const key = unwrapKey(entry, stored.value, keys);
  await store.put(again, wrapKey(again, key, keys), 0).catch((error: unknown) => {
    // Another process wrapped it again meanwhile.
    if (!(error instanceof ConflictError)) throw error;
  });
  await store.erase(entry);
  // The project may have been erased meanwhile, by a process that did not see the new entry.
  const settings = (await readSettings(store, name.scope))?.value;
  if (settings !== undefined && name.number <= erasedUpTo(settings)) await store.erase(again);
}

async function readSettings(store: KeyValue, scope: string): Promise<{ value: ProjectSettings; revision: number } | undefined> {
  const stored = await store.get(settingsKeyOf(scope));
  return stored === undefined ? undefined : { value: parseSettings(stored.value), revision: stored.revision };
}

async function putSettings(store: KeyValue, scope: string, settings: ProjectSettings, revision: number): Promise<void> {
  const stored = await store.put(settingsKeyOf(scope), JSON.stringify(settings), revision).catch((cause: unknown) => {
    if (!(cause instanceof ConflictError)) throw cause;
    throw new InvalidInputError({ field: 'the settings of the project', problem: 'were changed meanwhile; try again' }, { cause });
  });
  await store.reachedWatchers(stored);
}
