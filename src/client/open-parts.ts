import { setTimeout as delay } from 'node:timers/promises';
import type { PayloadSealer } from '#src/core/encryption/payload-sealer.ts';
import { NatsUnavailableError, NotPermittedError } from '#src/core/errors.ts';
import { type CodePackages, digestOfArchive, packageName } from '#src/core/ports/stores/code-packages.ts';
import type { KeyValue, KeyValueEntry } from '#src/core/ports/stores/key-value.ts';
import type { DefinitionLimits } from '#src/core/quotas/definition-limits.ts';
import { type FunctionDirectory, openFunctionDirectory } from '#src/functions/directory.ts';
import { type NatsPorts, openNatsPorts } from '#src/nats/ports.ts';
import { type Connection, type NatsOptions, openConnection } from '#src/nats/transport/connection/connection.ts';
import { SETTLES_WITHIN_MS } from './calls-in-time.ts';

export type JetstreamApi = 'required' | 'if-permitted' | 'unused';

/** A directory, the sealer that follows the settings of projects with it, and what limits the definitions of a client. */
export type RegistryCopy = { directory: FunctionDirectory; payloads: PayloadSealer; definitions: DefinitionLimits };

/** The connection and the ports of a client. Without JetStream's API, the client has no copy of the registry. */
export type OpenedParts = { connection: Connection; ports: NatsPorts; directory: FunctionDirectory | undefined };

type Options = {
  jetstreamApi: JetstreamApi | undefined;
  historyProject: string | undefined;
  budgetInMs: number;
  payloads: PayloadSealer;
  registryCopy: RegistryCopy | undefined;
  signal: AbortSignal;
};

/**
 * Opens the parts within {@link SETTLES_WITHIN_MS}, or the time for one server that the caller gave: each of several servers may be silent.
 *
 * Throws `NatsUnavailableError`, and `NotPermittedError` when the API is required.
 */
export async function openInTime(address: NatsOptions, options: Options): Promise<OpenedParts> {
  const inMs = Math.max(SETTLES_WITHIN_MS, address.timeout ?? 0);
  const opening = openParts(address, options);
  const ended = new AbortController();
  const late = delay(inMs, undefined, { signal: ended.signal }).then(
    () => {
      // Nothing uses a connection that comes later.
      opening.then(({ connection, ports }) => {
        ports.close();
        return connection.close();
      }, ignore);
      const servers = [address.servers].flat().join(', ');
      throw new NatsUnavailableError({ servers, why: `no server has answered for ${inMs / 1_000} s: repeat the call when one does` });
    },
    () => opening,
  );
  try {
    return await Promise.race([opening, late]);
  } finally {
    ended.abort();
  }
}

const ignore = (): void => {};

async function openParts(address: NatsOptions, { jetstreamApi = 'if-permitted', ...options }: Options): Promise<OpenedParts> {
  if (jetstreamApi === 'unused') return await openWithoutApi(address, options);
  try {
    return await openWithApi(address, options);
  } catch (error) {
    if (jetstreamApi === 'required' || !(error instanceof NotPermittedError)) throw error;
    return await openWithoutApi(address, options);
  }
}

async function openWithApi(
  address: NatsOptions,
  { payloads, registryCopy, signal, ...options }: Omit<Options, 'jetstreamApi'>,
): Promise<OpenedParts> {
  const connection = await openConnection(address);
  try {
    const opened = await openNatsPorts(connection, { leaseInMs: LEASE_IN_MS, ...options });
    const bounded = registryCopy === undefined ? opened : limited(opened, registryCopy.definitions);
    const { rehearsal } = connection;
    const rehearsed = { functions: rehearsedStore(bounded.functions, rehearsal), packages: rehearsedPackages(bounded.packages, rehearsal) };
    const ports = { ...bounded, ...rehearsed };
    const directory = registryCopy?.directory ?? (await openFunctionDirectory(ports.functions, { signal, payloads }));
    return { connection, ports, directory };
  } catch (error) {
    const explained = connection.refusals.explain(error);
    await connection.close();
    throw explained;
  }
}

function limited(ports: NatsPorts, definitions: DefinitionLimits): NatsPorts {
  return { ...ports, functions: definitions.registry(ports.functions), packages: definitions.packages(ports.packages) };
}

/** A rehearsal reads what it would have stored, so that a later part of a command finds an earlier one. */
function rehearsedStore(store: KeyValue, rehearsal: Connection['rehearsal']): KeyValue {
  if (rehearsal === undefined) return store;
  const written = new Map<string, KeyValueEntry | undefined>();
  const withWritten = (keys: readonly string[]): string[] => {
    const present = keys.filter((key) => !written.has(key));
    return [...present, ...[...written].flatMap(([key, entry]) => (entry === undefined ? [] : [key]))].sort();
  };
  return {
    ...store,
    get: async (key) => (written.has(key) ? written.get(key) : await store.get(key)),
    async put(key, value, expected) {
      const revision = await store.put(key, value, expected);
      written.set(key, { value, revision });
      return revision;
    },
    async delete(key, expected) {
      await store.delete(key, expected);
      written.set(key, undefined);
    },
    keys: async () => withWritten(await store.keys()),
    names: async (prefix = '') => withWritten(await store.names()).filter((key) => key.startsWith(prefix)),
    async watch(onChange, signal) {
      await store.watch(onChange, signal);
      for (const [key, entry] of written) onChange(entry === undefined ? { key, revision: 0 } : { key, ...entry });
    },
  };
}

/** A package that a rehearsal would have stored counts as stored. */
function rehearsedPackages(packages: CodePackages, rehearsal: Connection['rehearsal']): CodePackages {
  if (rehearsal === undefined) return packages;
  return {
    ...packages,
    async put(archive, owner) {
      const digest = await digestOfArchive(archive);
      rehearsal.packages.add(packageName(digest, owner));
      return digest;
    },
    has: async (digest, owner) => rehearsal.packages.has(packageName(digest, owner)) || (await packages.has(digest, owner)),
  };
}

async function openWithoutApi(address: NatsOptions, { budgetInMs, historyProject }: Omit<Options, 'jetstreamApi'>): Promise<OpenedParts> {
  const connection = await openConnection(address, { needsJetStream: false });
  const ports = await openNatsPorts(connection, { isLazy: true, leaseInMs: LEASE_IN_MS, budgetInMs, historyProject });
  return { connection, ports, directory: undefined };
}

/** A client takes no work, so this lease has no effect. */
const LEASE_IN_MS = 15_000;
