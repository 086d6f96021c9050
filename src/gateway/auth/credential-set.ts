import { setMaxListeners } from 'node:events';
import { isDeepStrictEqual } from 'node:util';
import { type ClientCertificate, meetsRule } from './client-certificate.ts';
import { type Credential, createTokenFinder } from './credentials.ts';

/**
 * The credentials in force.
 *
 * 1. `replace` exchanges all of them at once: the next call is judged by the new ones.
 * 2. The signal of a credential that is no longer there aborts. A credential with another project or other roles counts as another one.
 * 3. A gateway that started with credentials never becomes open: an empty set is refused before it is read.
 */
export class CredentialSet {
  /** Whether every caller that reaches the gateway is accepted. */
  readonly isOpen: boolean;
  #list: readonly Credential[];
  #findByToken: (token: string) => Credential | undefined;
  #projects: number;
  readonly #removals = new Map<Credential, AbortController>();
  readonly #listeners = new Set<() => void>();

  constructor(credentials: readonly Credential[]) {
    this.isOpen = credentials.length === 0;
    this.#list = credentials;
    this.#findByToken = createTokenFinder(credentials);
    this.#projects = countProjects(credentials);
  }

  get list(): readonly Credential[] {
    return this.#list;
  }

  /** The number of projects that have a credential. */
  get projects(): number {
    return this.#projects;
  }

  byAccessKey(key: string): Credential | undefined {
    return this.#list.find(({ accessKey }) => accessKey === key);
  }

  byToken(token: string): Credential | undefined {
    return this.#findByToken(token);
  }

  /** The credentials that a client certificate belongs to. */
  byCertificate(certificate: ClientCertificate): Credential[] {
    return this.#list.filter(({ certificate: rule }) => rule !== undefined && meetsRule(certificate, rule));
  }

  /** Aborts when the credential is removed. */
  removalOf(credential: Credential): AbortSignal {
    let removal = this.#removals.get(credential);
    if (removal === undefined) {
      removal = new AbortController();
      // Every open event stream of the credential listens to the signal. The limit of streams bounds them, so Node must not warn of a leak.
      setMaxListeners(0, removal.signal);
      if (!this.#list.includes(credential)) removal.abort();
      else this.#removals.set(credential, removal);
    }
    return removal.signal;
  }

  replace(credentials: readonly Credential[]): void {
    // A credential that stays keeps its identity, and so its open event streams.
    this.#list = credentials.map((next) => this.#list.find((known) => isDeepStrictEqual(known, next)) ?? next);
    this.#findByToken = createTokenFinder(this.#list);
    this.#projects = countProjects(this.#list);
    for (const listener of this.#listeners) listener();
    for (const [credential, removal] of this.#removals) {
      if (this.#list.includes(credential)) continue;
      this.#removals.delete(credential);
      removal.abort();
    }
  }

  /** Calls the listener after each replacement. */
  onReplace(listener: () => void): void {
    this.#listeners.add(listener);
  }
}

function countProjects(credentials: readonly Credential[]): number {
  return new Set(credentials.map(({ project }) => project)).size;
}
