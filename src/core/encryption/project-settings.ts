import { z } from 'zod';
import { parseJson } from '#src/core/json/json.ts';

/** The settings and the data keys of projects. They are in the bucket of the registry, which every process follows (FN1). */

const erasureSchema = z.object({
  /** The number of the newest data key that was destroyed. */
  upTo: z.int().min(0),
  at: z.number(),
  by: z.string(),
  reason: z.string().optional(),
});
const settingsSchema = z.object({
  v: z.literal(1),
  /** `erased`: until payloads are encrypted again, no request of the project runs. */
  payloads: z.enum(['encrypted', 'plain', 'erased']),
  /** The number of the newest data key, which seals. 0 before the first one. */
  key: z.int().min(0),
  /** Requests that the log accepted earlier may have a payload that is not sealed: milliseconds since the epoch. */
  since: z.number(),
  erasures: z.array(erasureSchema).default([]),
});
export type ProjectSettings = z.output<typeof settingsSchema>;

/** The part of a key that names a project; `undefined` means the own project. */
export function scopeOf(project: string | undefined): string {
  return project === undefined ? 'own' : `project.${project}`;
}

/** The reverse of {@link scopeOf}. */
export function projectOfScope(scope: string): string | undefined {
  return scope === 'own' ? undefined : scope.slice('project.'.length);
}

const SETTINGS = 'settings.';
const DATA_KEY = 'payload-key.';

export const settingsKeyOf = (scope: string): string => `${SETTINGS}${scope}`;

/** A data key has an entry for each master key that wrapped it, so that a wrapped key is never overwritten: it is erased. */
export const dataKeyOf = ({ scope, number, master }: DataKeyName): string => `${DATA_KEY}${scope}.${number}.${master}`;

export type DataKeyName = { scope: string; number: number; master: string };

/** Whether a key of the bucket of the registry belongs to a project, and is no function. */
export function isProjectKey(key: string): boolean {
  return key.startsWith(SETTINGS) || key.startsWith(DATA_KEY);
}

/** The scope in a key of settings. */
export function scopeIn(key: string): string | undefined {
  return key.startsWith(SETTINGS) ? key.slice(SETTINGS.length) : undefined;
}

export function parseDataKeyName(key: string): DataKeyName | undefined {
  const [, scope, number, master] = /^payload-key\.(own|project\.[\w-]+)\.(\d+)\.([\w-]+)$/.exec(key) ?? [];
  return scope === undefined || number === undefined || master === undefined ? undefined : { scope, number: Number(number), master };
}

/**
 * Parses stored settings. Settings that this version cannot read mean encrypted payloads without a usable key: then nothing is sealed, and
 * nothing is stored as it is.
 */
export function parseSettings(text: string): ProjectSettings {
  return settingsSchema.safeParse(parseJson(text)).data ?? { v: 1, payloads: 'encrypted', key: 0, since: 0, erasures: [] };
}

/** The number of the newest data key that an erasure destroyed. */
export function erasedUpTo({ erasures }: ProjectSettings): number {
  return erasures.at(-1)?.upTo ?? 0;
}
