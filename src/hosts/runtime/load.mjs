import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { call, describe } from './outcome.mjs';

export const INITIALIZING = 'function initialization exception: ';

/**
 * Loads a handler file and runs its initializer. Resolves to `{ handler }` or `{ failure }`, and never rejects.
 *
 * `onLoaded` is called between both steps. `createContext` makes the context of the initializer.
 */
export async function loadHandler({ file, export: name, initializer }, { onLoaded = () => {}, createContext }) {
  if (!existsSync(file)) return missing(`function entry file ${file} does not exist`);
  try {
    const module = await import(pathToFileURL(file).href);
    const found = module[name] ?? module.default?.[name];
    if (typeof found !== 'function') return missing(`function entry "${name}" is not a function exported by ${file}`);
    onLoaded();
    if (initializer !== undefined) await initialize(module[initializer] ?? module.default?.[initializer], createContext);
    return { handler: found };
  } catch (thrown) {
    return { failure: describe(thrown, { code: 4201, prefix: INITIALIZING }) };
  }
}

function initialize(initializer, createContext) {
  if (typeof initializer !== 'function') throw new TypeError('the initializer is not a function exported by the module');
  return call(initializer, [createContext()]);
}

function missing(message) {
  return { failure: { kind: 'function', code: 4001, errorType: 'FunctionEntryMissing', message, stackTrace: [] } };
}
