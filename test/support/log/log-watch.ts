import type { Fact } from '#machines/facts.ts';
import { type NatsPorts, openNatsPorts } from '#src/nats/ports.ts';
import { type CredentialFiles, natsOptionsOf } from '#src/nats/transport/connection/connect-options.ts';
import { type Connection, type NatsOptions, openConnection } from '#src/nats/transport/connection/connection.ts';

/** Follows the log of a running Sequent. */
export interface LogWatch extends AsyncDisposable {
  readonly ports: NatsPorts;
  readonly connection: Connection;
  /** All facts so far, by invocation. */
  readonly facts: ReadonlyMap<string, readonly Fact[]>;
  /** Resolves with the first fact that satisfies the condition, including earlier facts; throws after the deadline. */
  until(condition: (fact: Fact) => boolean, withinMs?: number): Promise<Fact>;
  /** Resolves when all of these invocations are notified. Throws after {@link SILENT_FOR_MS} without a new fact, and after the deadline. */
  untilNotified(ids: readonly string[], withinMs?: number): Promise<void>;
}

/** A system with open work writes a fact within this time, also on a machine that is ten times slower. */
const SILENT_FOR_MS = 60_000;

/** `open` says what is still waited for. */
type WaitLimits = { withinMs: number | undefined; silentForMs?: number; open?: () => string };

export async function watchLog(address: string | (NatsOptions & CredentialFiles)): Promise<LogWatch> {
  const connection = await openConnection(typeof address === 'string' ? { servers: address } : natsOptionsOf(address));
  const ports = await openNatsPorts(connection, { leaseInMs: 1_500 });
  const facts = new Map<string, Fact[]>();
  const listeners = new Set<(fact: Fact) => void>();
  const stop = new AbortController();
  const hear = (fact: Fact): void => {
    facts.set(fact.invocation, [...(facts.get(fact.invocation) ?? []), fact]);
    for (const listener of listeners) listener(fact);
  };
  const following = ports.log.followFully(
    1,
    (entry) => {
      if (entry.kind === 'request') for (const { fact } of entry.message.requests) hear(fact);
      if (entry.kind === 'append') for (const fact of entry.append.facts) hear(fact);
    },
    stop.signal,
  );

  const lastFacts = (): string => `the last facts are ${JSON.stringify([...facts.values()].flat().slice(-5))}`;

  const openOnes = (open: ReadonlySet<string>): string => {
    const lives = [...open].slice(0, 5).map(
      (id) =>
        `${id}: ${facts
          .get(id)
          ?.map(({ type, at }) => `${type} ${at}`)
          .join(', ')}`,
    );
    return `${open.size} are open, as ${lives.join('; ')}; `;
  };

  async function wait<Found>(find: (fact?: Fact) => Found | undefined, limits: WaitLimits): Promise<Found> {
    const now = find();
    if (now !== undefined) return now;
    return new Promise((resolve, reject) => {
      const fail = (what: string): void => {
        end();
        reject(new Error(`${what}; ${limits.open?.() ?? ''}${lastFacts()}`));
      };
      const afterMs = (ms: number | undefined, what: string) => (ms === undefined ? undefined : setTimeout(() => fail(what), ms));
      const deadline = afterMs(limits.withinMs, `it did not come within ${limits.withinMs} ms`);
      const silence = afterMs(limits.silentForMs, `no new fact for ${limits.silentForMs} ms`);
      const end = (): void => {
        listeners.delete(listener);
        clearTimeout(deadline);
        clearTimeout(silence);
      };
      const listener = (fact: Fact): void => {
        silence?.refresh();
        const found = find(fact);
        if (found === undefined) return;
        end();
        resolve(found);
      };
      listeners.add(listener);
    });
  }

  return {
    ports,
    connection,
    facts,
    until: (condition, withinMs = 120_000) =>
      wait((fact) => (fact === undefined ? [...facts.values()].flat().find(condition) : condition(fact) ? fact : undefined), { withinMs }),
    async untilNotified(ids, withinMs) {
      const open = new Set(ids);
      const close = (fact: Fact): void => {
        if (fact.type === 'notified') open.delete(fact.invocation);
      };
      for (const life of facts.values()) life.forEach(close);
      await wait(
        (fact) => {
          if (fact !== undefined) close(fact);
          return open.size === 0 ? true : undefined;
        },
        { withinMs, silentForMs: SILENT_FOR_MS, open: () => openOnes(open) },
      );
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await following;
      ports.close();
      await connection.close();
    },
  };
}
