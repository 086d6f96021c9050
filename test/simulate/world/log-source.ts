import { hash } from 'node:crypto';
import { entryIdOf, type FullLogEntry } from '#src/core/log/event-log.ts';
import type { LogSource, LogState, SourceEntry, StoredEntry } from '#src/core/log/log-source.ts';
import type { MemoryLog } from '#src/core/memory/memory-log.ts';
import { firstFrom } from '#src/core/memory/message-list.ts';
import type { Process } from './process.ts';

/** When the log was created. It is never created again. */
export const CREATED = 'with the world';

/** The log for readers that keep a read model, as a process reaches it. Stored messages are JSON. */
export function createLogSourceOf(server: MemoryLog): (process: Process) => LogSource {
  const present = createEntrySource(() => server.entries);
  return (process) => ({
    ...present,
    state: () => process.call('state of the log', () => stateOf(server.entries, server.last)),
    firstFrom: (sequence) => process.call(`first from ${sequence}`, () => present.firstFrom(sequence)),
    missing: () => process.call('missing', () => 0),
    fingerprintAt: (sequence) => process.call(`fingerprint at ${sequence}`, () => present.fingerprintAt(sequence)),
    idAt: (sequence) => process.call(`id at ${sequence}`, () => present.idAt(sequence)),
    async follow(from, onEntry, signal) {
      const take = process.inOrder((entry: FullLogEntry) => {
        if (process.faults.strike('crash-of-reader', `${process.name} message ${entry.sequence}`)) process.die();
        else if (process.isAlive) onEntry(toSourceEntry(entry));
      });
      await server.followFully(from, take, AbortSignal.any([signal, process.death]));
      // The code of a dead process does not run on.
      if (!process.isAlive) await new Promise(() => {});
    },
  });
}

/** A log that consists of the messages of a list. */
export function createEntrySource(entries: () => readonly FullLogEntry[]): LogSource {
  const at = (sequence: number): FullLogEntry | undefined => {
    const found = entries()[firstFrom(entries(), sequence)];
    return found?.sequence === sequence ? found : undefined;
  };
  return {
    state: async () => stateOf(entries(), entries().at(-1)?.sequence ?? 0),
    firstFrom: async (sequence) => entries()[firstFrom(entries(), sequence)],
    missing: async () => 0,
    async fingerprintAt(sequence) {
      const found = at(sequence);
      return found === undefined ? undefined : fingerprintOf(toSourceEntry(found));
    },
    async idAt(sequence) {
      const found = at(sequence);
      return found === undefined ? undefined : entryIdOf(found);
    },
    fingerprintOf,
    decode: ({ body }) => JSON.parse(body as string) as FullLogEntry,
    async follow(from, onEntry, signal) {
      for (const entry of entries().slice(firstFrom(entries(), from))) if (!signal.aborted) onEntry(toSourceEntry(entry));
    },
  };
}

function stateOf(entries: readonly FullLogEntry[], last: number): LogState {
  return { created: CREATED, first: 1, last, messages: entries.length, authority: 'sole' };
}

/** Each message is read several times. */
const encoded = new WeakMap<FullLogEntry, SourceEntry>();

function toSourceEntry(content: FullLogEntry): SourceEntry {
  const known = encoded.get(content);
  if (known !== undefined) return known;
  const { sequence, at, kind } = content;
  const entry = { sequence, at, subject: kind, headers: null, body: JSON.stringify(content), content };
  encoded.set(content, entry);
  return entry;
}

function fingerprintOf({ at, subject, body }: StoredEntry): string {
  return hash('sha1', `${at} ${subject} ${body}`, 'base64');
}
