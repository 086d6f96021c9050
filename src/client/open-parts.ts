import type { PayloadSealer } from '#src/core/encryption/payload-sealer.ts';
import { NotPermittedError } from '#src/core/errors.ts';
import { type CodePackages, digestOfArchive, packageName } from '#src/core/ports/stores/code-packages.ts';
import type { KeyValue, KeyValueEntry } from '#src/core/ports/stores/key-value.ts';
import type { DefinitionLimits } from '#src/core/quotas/definition-limits.ts';
import { type FunctionDirectory, openFunctionDirectory } from '#src/functions/directory.ts';
import { type NatsPorts, openNatsPorts } from '#src/nats/ports.ts';
import { type Connection, type NatsOptions, openConnection } from '#src/nats/transport/connection/connection.ts';

export type JetstreamApi = 'required' | 'if-permitted' | 'unused';

/** The connection and the ports of a client. Without JetStream's API, the client has no copy of the registry. */
export type OpenedParts = { connection: Connection; ports: NatsPorts; directory: FunctionDirectory | undefined };

type Options = {
  jetstreamApi: JetstreamApi | undefined;
  historyProject: string | undefined;
  budgetInMs: number;
  payloads: PayloadSealer;
  /** Limits what the client may define. */
  definitions: DefinitionLimits | undefined;
  signal: AbortSignal;
};

/** Throws `NatsUnavailableError`, and `NotPermittedError` when the API is required. */
export async function openParts(address: NatsOptions, { jetstreamApi = 'if-permitted', ...options }: Options): Promise<OpenedParts> {
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
  { payloads, definitions, signal, ...options }: Omit<Options, 'jetstreamApi'>,
): Promise<OpenedParts> {
  const connection = await openConnection(address);
  try {
    const opened = await openNatsPorts(connection, { leaseInMs: LEASE_IN_MS, ...options });
    const bounded = definitions === undefined ? opened : limited(opened, definitions);
    const { rehearsal } = connection;
    const rehearsed = { functions: rehearsedStore(bounded.functions, rehearsal), packages: rehearsedPackages(bounded.packages, rehearsal) };
    const ports = { ...bounded, ...rehearsed };
    return { connection, ports, directory: await openFunctionDirectory(ports.functions, { signal, payloads }) };
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
    async keys() {
      const present = (await store.keys()).filter((key) => !written.has(key));
      return [...present, ...[...written].flatMap(([key, entry]) => (entry === undefined ? [] : [key]))].sort();
    },
  };
}

/** A package that a rehearsal would have stored counts as stored. */
function rehearsedPackages(packages: CodePackages, rehearsal: Connection['rehearsal']): CodePackages {
  if (rehearsal === undefined) return packages;
  return {
    ...packages,
    async put(archive, owner) {
      const digest = digestOfArchive(archive);
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
