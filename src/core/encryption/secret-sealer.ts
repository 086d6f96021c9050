import { randomBytes } from 'node:crypto';
import { ConflictError, InvalidInputError } from '#src/core/errors.ts';
import { projectOf } from '#src/core/names/addressable.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';
import { decrypt, encrypt } from './aes-gcm.ts';
import type { MasterKeys } from './master-keys.ts';
import { masterOf, unwrapKey, wrapKey } from './wrapped-key.ts';

/*
 * Secret user data is encrypted at rest, by AES-256-GCM.
 *
 * - (ENC1) A value is sealed with the data key of its project and a random nonce. The function and the name of the value are authenticated,
 *   so a sealed value of another function or under another name cannot be opened.
 * - (ENC2) A data key is stored only wrapped by a master key, and a master key is never stored. The project is authenticated.
 * - (ENC3) The current master key wraps. A data key that an earlier master key wrapped is wrapped again, so the earlier one can go. The
 *   earlier wrapped form is overwritten on disk, while a copy with the suffix `.next` holds the key.
 * - (ENC4) A value that cannot be opened is an error. It is never passed on as it is stored.
 */

/** The part of a definition of a function that holds secrets. */
type Definition = { name: string; secretUserData?: Record<string, string> | undefined };

const SEALED = 'sealed:1:';
const OWN = 'data-key.own';
const PREFIX = 'data-key.';
const NEXT = '.next';

/** The entry of the data key of a project; `undefined` means the own project. */
function secretKeyOf(project: string | undefined): string {
  return project === undefined ? OWN : `${PREFIX}project.${project}`;
}

/** Every entry that may hold the data key of a project. */
export function secretKeysOf(project: string | undefined): string[] {
  return [secretKeyOf(project), secretKeyOf(project) + NEXT];
}

/** Whether a definition has secret values that are stored as they are. */
export function hasPlainSecrets({ secretUserData = {} }: Definition): boolean {
  return Object.values(secretUserData).some((value) => !value.startsWith(SEALED));
}

export function hasSealedSecrets({ secretUserData = {} }: Definition): boolean {
  return Object.values(secretUserData).some((value) => value.startsWith(SEALED));
}

/** Seals and opens secret user data with data keys that are kept in a store. */
export class SecretSealer {
  readonly #store: KeyValue;
  #keys: MasterKeys;
  readonly #dataKeys = new Map<string, Promise<Buffer>>();

  constructor(store: KeyValue, keys: MasterKeys) {
    this.#store = store;
    this.#keys = keys;
  }

  /** Uses other master keys, and wraps every data key with the current one (ENC3). Throws when a data key cannot be unwrapped. */
  async replaceKeys(keys: MasterKeys): Promise<void> {
    const names = (await this.#store.keys()).filter((key) => key.startsWith(PREFIX)).map(withoutNext);
    for (const entry of new Set(names)) await this.#wrapAgain(entry, keys);
    this.#keys = keys;
  }

  /** Drops the data key of a project, which was erased. */
  forget(project: string | undefined): void {
    this.#dataKeys.delete(secretKeyOf(project));
  }

  /**
   * Seals the values that are not those of the stored definition. A value that equals the stored one keeps its stored form, so a repeated
   * definition changes nothing.
   */
  async seal<Sealed extends Definition>(definition: Sealed, stored?: Definition): Promise<Sealed> {
    const { name, secretUserData } = definition;
    if (secretUserData === undefined) return definition;
    const present = stored?.secretUserData ?? {};
    const sealed: Record<string, string> = {};
    for (const [field, value] of Object.entries(secretUserData)) {
      const before = Object.hasOwn(present, field) ? present[field] : undefined;
      const isStored = before?.startsWith(SEALED) === true && (before === value || (await this.#tryOpen(name, field, before)) === value);
      sealed[field] = isStored ? before : await this.#sealValue(name, field, value);
    }
    return { ...definition, secretUserData: sealed };
  }

  /** Seals the values of a stored definition that a client without the key stored as they are. */
  async sealStored<Sealed extends Definition>(definition: Sealed): Promise<Sealed> {
    return hasPlainSecrets(definition) ? await this.seal(definition, definition) : definition;
  }

  /** The definition with its values. Throws `InvalidInputError` when a value cannot be opened (ENC4). */
  async open<Opened extends Definition>(definition: Opened): Promise<Opened> {
    const { name, secretUserData } = definition;
    if (secretUserData === undefined) return definition;
    const opened: Record<string, string> = {};
    for (const [field, value] of Object.entries(secretUserData))
      opened[field] = value.startsWith(SEALED) ? await this.#openValue(name, field, value) : value;
    return { ...definition, secretUserData: opened };
  }

  async #sealValue(name: string, field: string, value: string): Promise<string> {
    const key = await this.#dataKeyOf(name);
    return SEALED + encrypt(key, Buffer.from(value), `${name} ${field}`);
  }

  async #openValue(name: string, field: string, sealed: string): Promise<string> {
    const value = await this.#tryOpen(name, field, sealed);
    if (value !== undefined) return value;
    throw new InvalidInputError({
      field: `the secret user data ${field}`,
      problem: 'cannot be decrypted: it was sealed for another function, or before its project was erased',
    });
  }

  async #tryOpen(name: string, field: string, sealed: string): Promise<string | undefined> {
    const key = await this.#dataKeyOf(name);
    return decrypt(key, sealed.slice(SEALED.length), `${name} ${field}`)?.toString();
  }

  /** The data key of the project of a function, which the first use creates. */
  #dataKeyOf(name: string): Promise<Buffer> {
    const entry = secretKeyOf(projectOf(name));
    let key = this.#dataKeys.get(entry);
    if (key === undefined) {
      key = this.#readOrCreate(entry);
      this.#dataKeys.set(entry, key);
      // The next use tries again.
      key.catch(() => this.#dataKeys.delete(entry));
    }
    return key;
  }

  async #readOrCreate(entry: string): Promise<Buffer> {
    const present = await this.#read(entry);
    if (present !== undefined) return unwrapKey(entry, present, this.#keys);
    const made = randomBytes(32);
    try {
      await this.#store.put(entry, wrapKey(entry, made, this.#keys), 0);
      return made;
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error;
      // Another process created it first.
      return unwrapKey(entry, (await this.#read(entry)) ?? '', this.#keys);
    }
  }

  /** While an entry is wrapped again, or after that was interrupted, only its copy may exist. */
  async #read(entry: string): Promise<string | undefined> {
    return (await this.#store.get(entry))?.value ?? (await this.#store.get(entry + NEXT))?.value;
  }

  /**
   * Several processes may do this at once. Each erases only what it has read or stored, so the entry or its copy exists at every moment.
   * When another process stores a copy meanwhile, that process completes the work.
   */
  async #wrapAgain(entry: string, keys: MasterKeys): Promise<void> {
    const [stored, copy] = [await this.#store.get(entry), await this.#store.get(entry + NEXT)];
    const present = stored ?? copy;
    if (present === undefined) return;
    const wrapped = wrapKey(entry, unwrapKey(entry, present.value, keys), keys);
    const isCurrent = ({ value }: { value: string }): boolean => masterOf(entry, value) === keys.current;
    if (stored !== undefined && isCurrent(stored)) {
      if (copy !== undefined && isCurrent(copy)) await this.#store.erase(entry + NEXT, copy.revision);
      return;
    }
    const copied = await this.#store.put(entry + NEXT, wrapped, copy?.revision ?? 0).catch(ignoreConflict);
    if (copied === undefined) return;
    // A bucket would keep the bytes of the earlier value.
    if (stored !== undefined) await this.#store.erase(entry, stored.revision);
    await this.#store.put(entry, wrapped, 0).catch(ignoreConflict);
    await this.#store.erase(entry + NEXT, copied);
  }
}

function ignoreConflict(error: unknown): undefined {
  if (!(error instanceof ConflictError)) throw error;
}

function withoutNext(entry: string): string {
  return entry.endsWith(NEXT) ? entry.slice(0, -NEXT.length) : entry;
}
