import { z } from 'zod';
import { InvalidInputError } from '#src/core/errors.ts';
import { parseInput } from '#src/core/functions/entry.ts';
import { parseJson } from '#src/core/json/json.ts';
import { type FunctionName, parseFunctionName } from '#src/core/names/names.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';
import { repeatOnConflict } from '#src/core/repeat-on-conflict.ts';

/** A saved event with which people try a function. `text` is JSON, as it was written. */
export type TestEvent = { name: string; text: string; changedAt: number };

/**
 * The test events of functions. Everybody who may read a function sees them.
 *
 * They are no part of the definition: a change of a test event changes no revision of the function, and replaces no process.
 */
export interface TestEvents {
  /** By name. Throws `InvalidInputError` for an invalid name of a function. */
  list(name: string): Promise<TestEvent[]>;
  /** Saves or replaces an event. Throws `InvalidInputError` for a name or a text that cannot be saved, and when there are too many. */
  put(name: string, event: Pick<TestEvent, 'name' | 'text'>): Promise<TestEvent>;
  /** Resolves to false when the function has no event of this name. */
  delete(name: string, event: string): Promise<boolean>;
  /** An event of the form that the code of the function declares; `undefined` when the code declares none. */
  example(name: string): Promise<string | undefined>;
  /** Records the example that the code declares. Writes nothing when the recorded example is equal. */
  putExample(name: string, text: string | undefined): Promise<void>;
}

const MAX_EVENTS = 20;
/** One entry of the registry holds all events of a function, and must be far smaller than the largest message of NATS. */
const MAX_CHARACTERS = 128 * 1_024;
/** A longer example is not recorded. */
const MAX_EXAMPLE = 16 * 1_024;

const eventName = z
  .string()
  .regex(
    /^[A-Za-z](?:[A-Za-z0-9_-]{0,62}[A-Za-z0-9])?$/,
    'must be 1 to 64 letters, digits, "-" or "_", start with a letter and end with a letter or digit',
  );
const storedSchema = z.object({
  events: z.array(z.object({ name: z.string(), text: z.string(), changedAt: z.number() })).default([]),
  example: z.string().optional(),
});
type Stored = z.infer<typeof storedSchema>;

const PREFIX = 'test-events.';
const keyOf = (name: FunctionName): string => PREFIX + name;

/** Whether a key of the store of the registry holds test events, and is no function. */
export function isTestEventsKey(key: string): boolean {
  return key.startsWith(PREFIX);
}

export function createTestEvents(store: KeyValue, clock: { now(): number }): TestEvents {
  async function read(name: FunctionName): Promise<Stored & { revision: number }> {
    const entry = await store.get(keyOf(name));
    const stored = storedSchema.safeParse(parseJson(entry?.value ?? '')).data ?? { events: [] };
    return { ...stored, revision: entry?.revision ?? 0 };
  }

  /** Applies a change to what is stored, again after a concurrent change. */
  async function modify(name: FunctionName, change: (present: Stored) => Partial<Stored>): Promise<void> {
    await repeatOnConflict(async () => {
      const { revision, ...present } = await read(name);
      await store.put(keyOf(name), JSON.stringify({ ...present, ...change(present) }), revision);
    });
  }

  return {
    list: async (name) => (await read(parseFunctionName(name))).events,
    async put(name, { name: given, text }) {
      const event = { name: parseInput(eventName, given, 'the name of the test event'), text, changedAt: clock.now() };
      if (parseJson(text) === undefined) throw new InvalidInputError({ field: 'the test event', problem: 'is not JSON' });
      await modify(parseFunctionName(name), ({ events }) => ({
        events: within([...events.filter((one) => one.name !== event.name), event]),
      }));
      return event;
    },
    async delete(name, event) {
      const token = parseFunctionName(name);
      if (!(await read(token)).events.some((one) => one.name === event)) return false;
      await modify(token, ({ events }) => ({ events: events.filter((one) => one.name !== event) }));
      return true;
    },
    example: async (name) => (await read(parseFunctionName(name))).example,
    async putExample(name, text) {
      const token = parseFunctionName(name);
      const example = text !== undefined && text.length > MAX_EXAMPLE ? undefined : text;
      if ((await read(token)).example !== example) await modify(token, () => ({ example }));
    },
  };
}

/** Deletes all events of a function. */
export async function deleteTestEvents(store: KeyValue, name: FunctionName): Promise<void> {
  if ((await store.get(keyOf(name))) !== undefined) await store.delete(keyOf(name));
}

/** The events in the order of their names. Throws `InvalidInputError` when they are too many or too large together. */
function within(events: TestEvent[]): TestEvent[] {
  if (events.length > MAX_EVENTS)
    throw new InvalidInputError({ field: 'the test event', problem: `would be number ${events.length} of the function; delete one first` });
  if (events.reduce((sum, { text }) => sum + text.length, 0) > MAX_CHARACTERS)
    throw new InvalidInputError({
      field: 'the test event',
      problem: `is too large: all test events of a function have at most ${MAX_CHARACTERS} characters together`,
    });
  return events.sort((one, other) => (one.name < other.name ? -1 : 1));
}
