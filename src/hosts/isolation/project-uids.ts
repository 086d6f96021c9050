import { createHash } from 'node:crypto';
import { ConflictError } from '#src/core/errors.ts';
import type { KeyValue } from '#src/core/ports/stores/key-value.ts';
import type { UidRange } from './plan.ts';

/**
 * The user id of each project: the same on every worker, and of one project only.
 *
 * A project asks for ids in an order that its name determines, and keeps the first one that no other project has. Each id is claimed
 * by a key of the state bucket that is created once and never deleted, so two workers agree.
 */
export function createProjectUids(state: Pick<KeyValue, 'get' | 'put'>, { first, last }: UidRange): (project: string) => Promise<number> {
  const known = new Map<string, Promise<number>>();

  async function claim(project: string): Promise<number> {
    const count = last - first + 1;
    const start = createHash('sha256').update(project).digest().readUInt32BE() % count;
    for (let step = 0; step < count; step++) {
      const uid = first + ((start + step) % count);
      if ((await ownerOf(uid, project)) === project) return uid;
    }
    throw new Error(`all ${count} user ids of --uids ${first}-${last} belong to other projects; set a larger range`);
  }

  /** The project that has the id, which is the asking one if the id was free. */
  async function ownerOf(uid: number, project: string): Promise<string | undefined> {
    const key = `uid.${uid}`;
    const present = await state.get(key);
    if (present !== undefined) return present.value;
    try {
      await state.put(key, project, 0);
      return project;
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error;
      return (await state.get(key))?.value;
    }
  }

  return (project) => {
    const present = known.get(project);
    if (present !== undefined) return present;
    const claimed = claim(project);
    known.set(project, claimed);
    // The next call tries again.
    claimed.catch(() => known.delete(project));
    return claimed;
  };
}
