import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { InvalidInputError } from '#src/core/errors.ts';
import { parseInput } from '#src/core/functions/entry.ts';
import { runtimeByVendorName } from '#src/core/functions/runtimes.ts';
import { parseJson } from '#src/core/json/json.ts';
import type { PackageOwner } from '#src/core/ports/stores/code-packages.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';
import { repeatOnConflict } from '#src/core/repeat-on-conflict.ts';

const layerSchema = z.object({
  /** Names this version; the ids of the vendor's API. */
  id: z.string(),
  /** Names all versions of one name. */
  groupId: z.string(),
  name: z.string(),
  version: z.int(),
  digest: z.string(),
  bytes: z.number(),
  description: z.string(),
  runtime: z.string(),
  createdAt: z.number(),
});
/** Stays when the newest version of a name is deleted, so that no later version gets its number. */
const deletedSchema = z.strictObject({ deleted: z.string(), groupId: z.string(), version: z.int() });
/** A version of an uploaded dependency: a package that never changes, whose files functions find beside their own. */
export type Layer = z.infer<typeof layerSchema>;
type LayerInput = Pick<Layer, 'name' | 'digest' | 'bytes'> & Partial<Pick<Layer, 'description' | 'runtime'>>;

/** The layers of projects. A function refers to their packages, so it runs on after a layer is deleted. */
export interface Layers {
  /** By name, the newest version first. */
  list(owner: PackageOwner): Promise<Layer[]>;
  /** The layer `name:version`, or the newest version of `name`. Throws `InvalidInputError` when there is none. */
  find(owner: PackageOwner, reference: string): Promise<Layer>;
  /** Adds the next version of a name. The package is stored already. Throws `InvalidInputError`. */
  put(owner: PackageOwner, layer: LayerInput): Promise<Layer>;
  /** Resolves to false when there is no such layer. */
  delete(owner: PackageOwner, id: string): Promise<boolean>;
}

/** The layers of one project are one entry, which must be far smaller than the largest message of NATS. */
const MAX_LAYERS_OF_PROJECT = 400;

const inputSchema = z.object({
  name: z
    .string()
    .regex(/^[A-Za-z](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9])?$/, 'must be 1 to 96 letters, digits, ".", "-" or "_", and start with a letter'),
  description: z.string().max(512).default(''),
  runtime: z
    .string()
    .refine((name) => name === '' || runtimeByVendorName(name) !== undefined, 'is not supported')
    .default(''),
});

const PREFIX = 'layers.';

/** Whether a key of the store of the registry holds layers, and is no function. */
export function isLayersKey(key: string): boolean {
  return key.startsWith(PREFIX);
}

export function createLayers(store: KeyValue, clock: { now(): number }): Layers {
  // The name of a project is followed by "=", as in the names of functions.
  const keyOf = (owner: PackageOwner): string => (owner === undefined ? `${PREFIX}own` : `${PREFIX}${owner}=`);

  /** `stored`: what a change keeps, also a layer or a field of a later version of Sequent. */
  async function read(owner: PackageOwner): Promise<{ stored: unknown[]; layers: Layer[]; revision: number }> {
    const entry = await store.get(keyOf(owner));
    const stored = parseInput(z.array(z.unknown()), parseJson(entry?.value ?? '[]'), `the entry ${keyOf(owner)} of the registry`);
    return { stored, layers: stored.flatMap((one) => layerSchema.safeParse(one).data ?? []), revision: entry?.revision ?? 0 };
  }

  async function list(owner: PackageOwner): Promise<Layer[]> {
    const { layers } = await read(owner);
    return layers.sort((one, other) => (one.name === other.name ? other.version - one.version : one.name < other.name ? -1 : 1));
  }

  return {
    list,
    async find(owner, reference) {
      const [name, version] = reference.split(':');
      const found = (await list(owner)).find((one) => one.name === name && (version === undefined || String(one.version) === version));
      if (found !== undefined) return found;
      throw new InvalidInputError({ field: `the layer ${reference}`, problem: 'does not exist' });
    },
    async put(owner, { digest, bytes, ...input }) {
      const { name, description, runtime } = parseInput(inputSchema, input, 'the layer');
      return await repeatOnConflict(async () => {
        const { stored, layers, revision } = await read(owner);
        const kept = stored.filter((one) => !deletedSchema.safeParse(one).success);
        const deleted = stored.flatMap((one) => deletedSchema.safeParse(one).data ?? []);
        if (kept.length >= MAX_LAYERS_OF_PROJECT)
          throw new InvalidInputError({ field: 'the layer', problem: `is one more than ${MAX_LAYERS_OF_PROJECT}; delete versions first` });
        const versions = [...layers.filter((one) => one.name === name), ...deleted.filter((one) => one.deleted === name)];
        const version = Math.max(0, ...versions.map((one) => one.version)) + 1;
        const groupId = versions[0]?.groupId ?? randomUUID();
        const added = { id: randomUUID(), groupId, name, version, digest, bytes, description, runtime, createdAt: clock.now() };
        const others = deleted.filter((one) => one.deleted !== name).slice(1 - MAX_LAYERS_OF_PROJECT);
        await store.put(keyOf(owner), JSON.stringify([...others, ...kept, added]), revision);
        return added;
      });
    },
    async delete(owner, id) {
      return await repeatOnConflict(async () => {
        const { stored, layers, revision } = await read(owner);
        const gone = layers.find((one) => one.id === id);
        if (gone === undefined) return false;
        const kept = stored.filter((one) => layerSchema.safeParse(one).data?.id !== id);
        const isNewest = !layers.some(({ name, version }) => name === gone.name && version > gone.version);
        if (isNewest) kept.push({ deleted: gone.name, groupId: gone.groupId, version: gone.version });
        await store.put(keyOf(owner), JSON.stringify(kept), revision);
        return true;
      });
    },
  };
}
