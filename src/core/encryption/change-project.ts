import { randomBytes } from 'node:crypto';
import { ConflictError } from '#src/core/errors.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';
import { repeatOnConflict } from '#src/core/repeat-on-conflict.ts';
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

/**
 * The changes of the settings and of the data keys of projects. `project`: `undefined` means the own project. A change is decided again
 * after a concurrent one, and throws `ConflictError` when the concurrent changes do not end.
 */

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
  await addDataKey(store, scopeOf(project), {
    keys,
    change: (present = { v: 1, payloads: 'plain', key: 0, since: 0, erasures: [] }) =>
      present.payloads === 'encrypted' ? undefined : { ...present, payloads: 'encrypted', since: now + GRACE_IN_MS },
  });
}

/** Encrypts no further payload of a project that encrypts payloads. An encrypted payload stays encrypted, and can be read. */
export async function stopEncrypting(store: KeyValue, project: string | undefined): Promise<void> {
  const scope = scopeOf(project);
  await repeatOnConflict(async () => {
    const present = await readSettings(store, scope);
    if (present?.value.payloads !== 'encrypted') return;
    await putSettings(store, scope, { ...present.value, payloads: 'plain' }, present.revision);
  });
}

/** Makes a new data key for every project that encrypts payloads. Earlier data keys still open what they sealed. */
export async function renewDataKeys(store: KeyValue, keys: MasterKeys): Promise<SettingsOfProject[]> {
  const renewed: SettingsOfProject[] = [];
  for (const settings of await listProjects(store)) {
    // The project may have been erased since its settings were listed.
    const change = (present?: ProjectSettings) => (present?.payloads === 'encrypted' ? present : undefined);
    if (await addDataKey(store, scopeOf(settings.project), { keys, change })) renewed.push(settings);
  }
  return renewed;
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
  const settings = await repeatOnConflict(async () => {
    const present = await readSettings(store, scope);
    if (present?.value.payloads === 'erased') return present.value;
    const { key = 0, since = at, erasures = [] } = present?.value ?? {};
    const erasure = { upTo: key, at, by, ...(reason === undefined ? {} : { reason }) };
    const erased: ProjectSettings = { v: 1, payloads: 'erased', key, since, erasures: [...erasures, erasure] };
    await putSettings(store, scope, erased, present?.revision ?? 0);
    return erased;
  });
  for (const entry of await store.keys()) {
    const name = parseDataKeyName(entry);
    // Nothing is sealed with a later data key yet: a concurrent encryption stores it before its settings, and may use it after the erasure.
    if (name?.scope === scope && name.number <= erasedUpTo(settings)) await store.erase(entry);
  }
  for (const entry of secretKeysOf(project)) await secrets.erase(entry);
  return settings;
}

type DataKeyChange = { keys: MasterKeys; change: (present: ProjectSettings | undefined) => ProjectSettings | undefined };

/**
 * Adds a data key together with a change of the settings, unless the change is `undefined`. Resolves to whether a key was added.
 *
 * The data key is stored before the settings that name it, so no process seals by a missing one.
 */
async function addDataKey(store: KeyValue, scope: string, dataKey: DataKeyChange): Promise<boolean> {
  return await repeatOnConflict(() => addDataKeyOnce(store, scope, dataKey));
}

async function addDataKeyOnce(store: KeyValue, scope: string, { keys, change }: DataKeyChange): Promise<boolean> {
  const present = await readSettings(store, scope);
  const settings = change(present?.value);
  if (settings === undefined) return false;
  const number = settings.key + 1;
  const entry = dataKeyOf({ scope, number, master: keys.current });
  await store.put(entry, wrapKey(entry, randomBytes(32), keys), 0).catch((cause: unknown) => {
    // A call that was interrupted before the settings left the key, which nothing has used.
    if (!(cause instanceof ConflictError)) throw cause;
  });
  await putSettings(store, scope, { ...settings, key: number }, present?.revision ?? 0);
  return true;
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
    throw cause instanceof ConflictError ? new ConflictError({ what: 'the settings of the project' }, { cause }) : cause;
  });
  await store.reachedWatchers(stored);
}
