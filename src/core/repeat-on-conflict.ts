import { ConflictError } from './errors.ts';

const MAX_TRIES = 8;

/**
 * Tries a change that reads a value and replaces it by its revision, again after a concurrent change. Throws the `ConflictError` of the
 * eighth try.
 */
export async function repeatOnConflict<Value>(change: () => Promise<Value>): Promise<Value> {
  for (let tries = 1; ; tries++) {
    try {
      return await change();
    } catch (error) {
      if (!(error instanceof ConflictError) || tries === MAX_TRIES) throw error;
    }
  }
}
