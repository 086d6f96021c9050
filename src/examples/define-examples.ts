import { ConflictError, FunctionNotFoundError } from '#src/core/errors.ts';
import type { FunctionDefinition } from '#src/core/functions/definition.ts';
import { parseDefinition } from '#src/functions/definition-changes.ts';
import type { FunctionRegistry } from '#src/functions/registry.ts';
import { type Example, examples } from './index.ts';

/**
 * Defines each example where no function of its name is, or an example that nobody changed (EX1). Resolves to
 * the names of the examples that are defined; a function of the user is left as it is.
 */
export async function defineExamples(registry: Pick<FunctionRegistry, 'get' | 'put'>): Promise<string[]> {
  const defined = await Promise.all(examples.map((example) => define(example, registry)));
  return examples.flatMap(({ name }, index) => (defined[index] === true ? [name] : []));
}

async function define(example: Example, registry: Pick<FunctionRegistry, 'get' | 'put'>): Promise<boolean> {
  const present = await registry.get(example.name).catch((error: unknown) => {
    if (error instanceof FunctionNotFoundError) return undefined;
    throw error;
  });
  if (present !== undefined && !isUnchanged(present.definition, example)) return false;
  if (JSON.stringify(present?.definition) === JSON.stringify(parseDefinition(example))) return true;
  try {
    await registry.put(example, present?.revision ?? 0);
    return true;
  } catch (error) {
    // Another process defined or changed the function since it was read.
    if (error instanceof ConflictError) return false;
    throw error;
  }
}

/** Whether a definition is that of an example, in any folder. A paused example is a changed one. */
function isUnchanged(present: FunctionDefinition, example: Example): boolean {
  return formOf(parseDefinition(example)) === formOf(present);
}

/** The text of a definition, without the folder that Sequent is installed in. */
function formOf({ handler, ...definition }: FunctionDefinition): string {
  if (handler.kind !== 'process') return JSON.stringify({ ...definition, handler });
  const file = handler.file.replace(/^.*\/(?=src\/examples\/functions\/)/, '');
  return JSON.stringify({ ...definition, handler: { ...handler, file } });
}
