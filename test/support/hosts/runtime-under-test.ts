import { basename } from 'node:path';
import type { FunctionDefinition } from '#src/core/functions/definition.ts';
import type { Runtime } from '#src/core/functions/runtimes.ts';
import { bootstrapFile } from './bootstraps.ts';
import { type DefinitionFacts, handlerFile, processFunction } from './executions.ts';

/** The runtime whose functions a suite of `test/contract/hosts` executes: a row of the table in `src/core/functions/runtimes.ts`. */
export type RuntimeUnderTest = {
  readonly id: Exclude<Runtime['id'], 'http'>;
  /** Whether the functions are in a program, as the user of another language writes them. */
  readonly isProgram: boolean;
  /** The variables that the runtime adds to the environment of a function: Python names the encoding that it chose. */
  readonly addedVariables: readonly string[];
  /** The path of the file of functions with this name, without an extension. */
  fileOf(name: string): string;
  /** The code of a handler that returns a text: after it created the file, or after the file that its event names exists. */
  waitingHandler(says: string, created?: string): string;
  /** A function whose handler is an export of `handlers.mjs`, or of its counterpart in the language of the runtime. */
  processFunction(facts: DefinitionFacts): FunctionDefinition;
};

const ofCustomRuntimes = [
  'PROJECT_ID',
  'PACKAGE',
  'FUNC_NAME',
  'FUNC_VERSION',
  'HANDLER',
  'TIMEOUT',
  'USERDATA',
  'CPU',
  'MEMORY',
  'CODE_ROOT',
  'API_ADDR',
].map((name) => `RUNTIME_${name}`);

export function runtimeUnderTest(id: RuntimeUnderTest['id']): RuntimeUnderTest {
  const ofLanguage = id === 'python' ? inPython : inJavaScript;
  const isProgram = id === 'custom' || id === 'executable';
  const fileOf = isProgram ? (name: string) => bootstrapFile(`${name}.mjs`, id) : ofLanguage.fileOf;
  return {
    id,
    isProgram,
    addedVariables: { nodejs: [], python: ['LC_CTYPE'], custom: ofCustomRuntimes, executable: [] }[id],
    fileOf,
    waitingHandler: ofLanguage.waitingHandler,
    processFunction: ({ file = fileOf('handlers'), ...facts }) =>
      processFunction({ file, ...(id === 'executable' && basename(file) === 'bootstrap' ? { runtime: id } : {}), ...facts }),
  };
}

type OfLanguage = Pick<RuntimeUnderTest, 'fileOf' | 'waitingHandler'>;

const inJavaScript: OfLanguage = {
  fileOf: (name) => handlerFile(`${name}.mjs`),
  waitingHandler: (says, created) => {
    const action =
      created === undefined
        ? 'while (event.changed && !fs.existsSync(event.changed)) await new Promise((resolve) => setTimeout(resolve, 5));'
        : `fs.writeFileSync('${created}', '');`;
    return `import fs from 'node:fs'; export const handler = async (event) => { ${action} return '${says}'; };`;
  },
};

const inPython: OfLanguage = {
  fileOf: (name) => handlerFile(`${name}.py`),
  waitingHandler: (says, created) => {
    const action =
      created === undefined
        ? "while 'changed' in event and not os.path.exists(event['changed']): time.sleep(0.005)"
        : `open('${created}', 'w').close()`;
    return `import os, time\ndef handler(event, context):\n  ${action}\n  return '${says}'\n`;
  },
};
