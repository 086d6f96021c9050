import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { permissionArguments } from '#src/hosts/isolation/node-permissions.ts';
import { fileOf, type HostRuntime, type Place } from './host-runtime.ts';

const { resolve } = createRequire(import.meta.url);

/** Runs JavaScript and TypeScript by a Node.js executable. */
export function createNodeRuntime(command: string): HostRuntime {
  return {
    // A missing executable is told by the start of the process.
    find: () => ({ command, readable: [] }),
    argumentsFor: (place) => [
      ...restrictionsFor(place),
      ...inspectorArguments(place),
      ...nodeArguments({ ...place.definition, file: fileOf(place.definition) }),
      join(place.runtimeFolder, 'child.mjs'),
      ...(place.isSandboxed ? ['user-data'] : []),
    ],
    readableFor: (definition) => (isTypeScript(fileOf(definition)) ? [modulesFolder()] : []),
    // V8 prints this message on standard error and aborts.
    isMemoryExhausted: (output) => output.includes('JavaScript heap out of memory'),
  };
}

/** The loader for TypeScript starts processes and threads of its own, which Node's permission model would refuse. */
function restrictionsFor({ permitted, definition }: Place): string[] {
  if (permitted === undefined || isTypeScript(fileOf(definition))) return [];
  return permissionArguments(permitted.folders, permitted);
}

/** Without a published address, Node writes no line about the debugger into the output of the function. */
function inspectorArguments({ inspectorPort }: Place): string[] {
  return inspectorPort === undefined ? [] : [`--inspect=127.0.0.1:${inspectorPort}`, '--inspect-publish-uid=http'];
}

/** The arguments of Node for a process that runs a handler file. */
export function nodeArguments({ memoryInMb, file }: { memoryInMb: number; file: string }): string[] {
  const loader = isTypeScript(file) ? ['--import', pathToFileURL(resolve('tsx')).href] : [];
  return [`--max-old-space-size=${memoryInMb}`, ...loader];
}

/** TypeScript needs a loader, which adds about 0.2 s to the start. */
function isTypeScript(file: string): boolean {
  return /\.[cm]?tsx?$/.test(file);
}

/** The folder with the loader for TypeScript and the packages that it needs. */
function modulesFolder(): string {
  const loader = resolve('tsx');
  return loader.slice(0, loader.lastIndexOf('/node_modules/') + '/node_modules'.length);
}
