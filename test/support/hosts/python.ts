import { createPythonFinder } from '#src/core/python/find-python.ts';

/** The Python of this machine; `undefined` when there is none. `npm test` installs one where it may. */
export const python = await createPythonFinder()
  .find('python3')
  .catch(() => undefined);

/** Whether tests of functions in Python can run. The others say so: each of their tests counts as skipped. */
export const hasPython = python !== undefined;
