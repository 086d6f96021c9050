import type { FactOf } from '#machines/facts.ts';
import { InvalidInputError, KeyMissingError, SequentError } from '#src/core/errors.ts';
import type { AcceptedRequest } from '#src/core/log/event-log.ts';
import { projectOf } from '#src/core/names/addressable.ts';
import type { MasterKeys } from './master-keys.ts';
import { erasedUpTo, type ProjectSettings, parseDataKeyName, parseSettings, projectOfScope, scopeIn, scopeOf } from './project-settings.ts';
import {
  hiddenFlowKey,
  isSealed,
  keyNumberOf,
  NOT_ENCRYPTED,
  openBytes,
  openText,
  type PayloadKey,
  parseSealed,
  payloadKeyOf,
  sealBytes,
  sealText,
} from './sealed-text.ts';
import { unwrapKey } from './wrapped-key.ts';

/*
 * Payloads of a project are encrypted at rest when its settings say so, by AES-256-GCM.
 *
 * - (ENC5) The process that has a payload, a returned value, output or the text of a function's failure seals it before it publishes it. The
 *   log, the results, the read models and the archive hold sealed texts. Folding, hashes and verification work on them, and need no key.
 * - (ENC6) A request of such a project whose payload is not sealed is refused, and never runs.
 * - (ENC7) A sealed text is opened only for the function that it was sealed for, and only where a process with a key runs a function,
 *   delivers an outcome or answers a reader.
 * - (ENC9) The key of a flow from a sealed payload is stored as a keyed hash, which ends with the data keys of the project.
 * - (ENC8) An erasure of a project is in its settings before its data keys are destroyed. Every process drops its copies when it hears of it.
 */

export const ERASED = '(erased with its project)';

/** The project of a function was erased: the keys of its payloads are destroyed. */
class ProjectErasedError extends SequentError {
  readonly code = 'PROJECT_ERASED';
  readonly retryable = false;
  constructor(facts: { name: string }, options?: ErrorOptions) {
    super((nameOf) => `the project of function "${nameOf(facts.name)}" was erased, and its payloads with it`, options);
  }
}

type Options = {
  /** The present master keys; `undefined` in a process without keys. */
  masterKeys: () => MasterKeys | undefined;
  /** Called when the data keys of a project were erased; `undefined` means the own project. */
  onErased?: (project: string | undefined) => void;
};

/** Seals and opens the payloads of projects, by the settings and the data keys that `note` reported. */
export class PayloadSealer {
  readonly #options: Options;
  readonly #settings = new Map<string, ProjectSettings>();
  /** The wrapped data keys, by scope and number, then by the entry. */
  readonly #wrapped = new Map<string, Map<string, string>>();
  readonly #keys = new Map<string, PayloadKey>();

  constructor(options: Options) {
    this.#options = options;
  }

  /** Takes over a change of the settings or of the data keys of a project. */
  applyChange({ key, value }: { key: string; value?: string | undefined }): void {
    const scope = scopeIn(key);
    if (scope !== undefined) return this.#recordSettings(scope, value);
    const name = parseDataKeyName(key);
    if (name === undefined) return;
    const id = `${name.scope}/${name.number}`;
    const entries = this.#wrapped.get(id) ?? new Map<string, string>();
    if (value === undefined) entries.delete(key);
    else entries.set(key, value);
    this.#wrapped.set(id, entries);
    // Opened now, this process keeps the key also while other processes already use another master key.
    this.#findKey(name.scope, name.number);
  }

  #recordSettings(scope: string, value: string | undefined): void {
    if (value === undefined) return void this.#settings.delete(scope);
    const before = this.#settings.get(scope);
    const settings = parseSettings(value);
    this.#settings.set(scope, settings);
    if (settings.erasures.length <= (before?.erasures.length ?? 0)) return;
    for (const keys of [this.#keys, this.#wrapped])
      for (const id of keys.keys())
        if (id.startsWith(`${scope}/`) && Number(id.slice(scope.length + 1)) <= erasedUpTo(settings)) keys.delete(id);
    this.#options.onErased?.(projectOfScope(scope));
  }

  /** Whether any project has settings. While none has, this object has nothing to do. */
  get isIdle(): boolean {
    return this.#settings.size === 0;
  }

  /** The projects that encrypt payloads now, and whether this process has their present data key. `undefined` names the own project. */
  get encrypting(): { project: string | undefined; since: number; hasKey: boolean }[] {
    return [...this.#settings]
      .filter(([, { payloads }]) => payloads === 'encrypted')
      .map(([scope, { since, key }]) => ({ project: projectOfScope(scope), since, hasKey: this.#findKey(scope, key) !== undefined }));
  }

  /** Whether the project of a function has settings, so that its texts may be sealed or must be. */
  concerns(name: string): boolean {
    return this.#settings.size > 0 && this.#settings.has(scopeOf(projectOf(name)));
  }

  /** Throws `KeyMissingError` when texts of the function must be sealed and cannot be. */
  expectKey(name: string): void {
    const settings = this.#settings.get(scopeOf(projectOf(name)));
    if (settings?.payloads === 'encrypted') this.#keyOf(name, settings.key);
  }

  /**
   * Seals a text of a function if its project encrypts payloads, and returns any other text as it is. An empty text stays empty.
   * With `id`, sealing the same text again gives the same sealed text.
   *
   * Throws `KeyMissingError`, and `ProjectErasedError`.
   */
  seal(name: string, text: string, id?: string): string {
    const key = text === '' ? undefined : this.#sealingKeyOf(name);
    return key === undefined ? text : sealText(key, text, { name, id });
  }

  /** As `seal`, for the object of a large payload; `undefined` if the project does not encrypt payloads. */
  sealBytes(name: string, content: Buffer, id?: string): { key: number; bytes: Buffer } | undefined {
    const key = this.#sealingKeyOf(name);
    return key === undefined ? undefined : { key: key.number, bytes: sealBytes(key, content, { name, id }) };
  }

  /** The content of an object that was sealed for a function. Throws as `open` does. */
  openBytes(name: string, number: number, bytes: Buffer): Buffer {
    const key = this.#openingKeyOf(name, number);
    return openBytes(key, bytes, name) ?? cannotDecrypt();
  }

  /** As `seal`, for the payload of an earlier request of the function. A sealed payload stays as it is, so no key is needed. */
  sealAgain(name: string, payload: string, id: string): string {
    return isSealed(payload) ? payload : this.seal(name, payload, id);
  }

  /** The text that was sealed for a function; another text as it is (ENC4). Throws as `seal` does, and `InvalidInputError`. */
  open(name: string, text: string): string {
    const sealed = parseSealed(text);
    if (sealed === undefined) return text;
    return openText(this.#openingKeyOf(name, sealed.number), sealed.ciphertext, name) ?? cannotDecrypt();
  }

  /**
   * The key of a flow that a sealed payload holds; empty without the data key, as for a payload that cannot be opened. It is the same for the
   * same text until the project is erased, also when its data keys are renewed: it derives from the first one that is not erased (ENC9).
   */
  hideFlowKey(name: string, text: string): string {
    const scope = scopeOf(projectOf(name));
    const settings = this.#settings.get(scope);
    const key = this.#findKey(scope, settings === undefined ? 1 : erasedUpTo(settings) + 1);
    return key === undefined ? '' : hiddenFlowKey(key, text);
  }

  /** A sealed text as a reader sees it. `undefined` when this process cannot open it, or when it was not sealed for this function. */
  show(name: string, number: number, ciphertext: string): string | undefined {
    if (this.#isErased(name, number)) return ERASED;
    const key = this.#findKey(scopeOf(projectOf(name)), number);
    return key === undefined ? undefined : openText(key, ciphertext, name);
  }

  /** Why a request must not run: an outcome that is the same in every process (ENC6). */
  refusalOf({ fact, payload }: AcceptedRequest): { condition: FactOf<'failed'>['condition']; message: string } | undefined {
    const settings = this.#settings.size === 0 ? undefined : this.#settings.get(scopeOf(projectOf(fact.function)));
    if (settings === undefined) {
      if (!isSealed(payload) && keyNumberOf(payload) === undefined) return undefined;
      return { condition: 'InvalidPayload', message: 'the payload is sealed, and its project does not encrypt payloads' };
    }
    if (settings.payloads === 'erased' || (keyNumberOf(payload) ?? Number.POSITIVE_INFINITY) <= erasedUpTo(settings))
      return { condition: 'InvalidRequest', message: 'the project of the function was erased' };
    const isProtected = payload === '' || isSealed(payload) || keyNumberOf(payload) !== undefined;
    if (settings.payloads === 'plain' || isProtected || fact.at < settings.since) return undefined;
    const message = `${NOT_ENCRYPTED}; send the request over HTTP, or by a client with the encryption keys`;
    return { condition: 'InvalidRequest', message };
  }

  #isErased(name: string, number: number): boolean {
    const settings = this.#settings.get(scopeOf(projectOf(name)));
    return settings !== undefined && number <= erasedUpTo(settings);
  }

  /** The key that seals for a function now; `undefined` if its project does not encrypt payloads. */
  #sealingKeyOf(name: string): PayloadKey | undefined {
    if (this.#settings.size === 0) return undefined;
    const settings = this.#settings.get(scopeOf(projectOf(name)));
    if (settings === undefined || settings.payloads === 'plain') return undefined;
    if (settings.payloads === 'erased') throw new ProjectErasedError({ name });
    return this.#keyOf(name, settings.key);
  }

  #openingKeyOf(name: string, number: number): PayloadKey {
    if (this.#isErased(name, number)) throw new ProjectErasedError({ name });
    return this.#keyOf(name, number);
  }

  #keyOf(name: string, number: number): PayloadKey {
    const key = this.#findKey(scopeOf(projectOf(name)), number);
    if (key !== undefined) return key;
    throw new KeyMissingError({ name });
  }

  #findKey(scope: string, number: number): PayloadKey | undefined {
    const id = `${scope}/${number}`;
    const known = this.#keys.get(id);
    const masterKeys = this.#options.masterKeys();
    if (known !== undefined || masterKeys === undefined) return known;
    for (const [entry, wrapped] of this.#wrapped.get(id) ?? []) {
      if (!masterKeys.byId.has(parseDataKeyName(entry)?.master ?? '')) continue;
      const dataKey = tryUnwrap(entry, wrapped, masterKeys);
      if (dataKey === undefined) continue;
      const opened = payloadKeyOf(number, dataKey);
      this.#keys.set(id, opened);
      return opened;
    }
    return undefined;
  }
}

function cannotDecrypt(): never {
  throw new InvalidInputError({ field: 'the payload', problem: 'cannot be decrypted: it was sealed for another function, or changed' });
}

/** A data key that cannot be unwrapped is a missing one: a reader then gets the sealed text, and the registry is followed as before. */
function tryUnwrap(entry: string, wrapped: string, keys: MasterKeys): Buffer | undefined {
  try {
    return unwrapKey(entry, wrapped, keys);
  } catch (error) {
    if (error instanceof InvalidInputError) return undefined;
    throw error;
  }
}
