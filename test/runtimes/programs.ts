import { fileURLToPath } from 'node:url';
import { functionDefinitionSchema } from '#src/core/functions/definition.ts';
import { createHostRuntimes } from '#src/hosts/runtimes/runtimes.ts';
import { bootstrapFile, type ProgramForm } from '#test/support/hosts/bootstraps.ts';
import type { Tested } from './case.ts';
import { translateHttp } from './http-function.ts';

const runtimes = createHostRuntimes();
const runtimeFolder = fileURLToPath(new URL('../../src/hosts/runtime/', import.meta.url));
export const runtimeFile = (name: string): string => `${runtimeFolder}${name}`;

/** The functions of the kit in the program of a user, which is started as the host starts it. */
export function programOf(form: ProgramForm): Tested {
  const command = (file: string): string[] => {
    const handler = { kind: 'process', file, runtime: form, export: 'echo' };
    const definition = functionDefinitionSchema.parse({ name: 'tested', handler });
    const started = form === 'executable' ? '/bin/sh' : process.execPath;
    return [started, ...runtimes[form].argumentsFor({ definition, runtimeFolder, isSandboxed: false })];
  };
  return { command, file: bootstrapFile('handlers.mjs', form), translate: form === 'http' ? translateHttp : undefined };
}
