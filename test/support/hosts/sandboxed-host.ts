import { readdirSync, readFileSync } from 'node:fs';
import { type FunctionDefinition, functionDefinitionSchema } from '#src/core/functions/definition.ts';
import { digestOf } from '#src/core/ports/stores/code-packages.ts';
import { writeZip } from '#src/core/zip/write-zip.ts';
import type { Cgroups } from '#src/hosts/isolation/cgroups.ts';
import { createIsolation } from '#src/hosts/isolation/isolation.ts';
import { type Abilities, type IsolationMode, planIsolation } from '#src/hosts/isolation/plan.ts';
import { createPackageCache } from '#src/hosts/packages/package-cache.ts';
import { createProcessHost, type ProcessHost } from '#src/hosts/pool/process-host.ts';
import type { ProcessorQuota } from '#src/hosts/pool/processor-budget.ts';
import { bootstrapFiles } from './bootstraps.ts';
import { handlerFile, testedRuntime } from './executions.ts';

/** The file of the attacks in the tested language. */
export const attacksFile: string = { nodejs: 'index.mjs', python: 'index.py', custom: 'bootstrap' }[testedRuntime() as 'nodejs'];
const files =
  testedRuntime() === 'custom'
    ? bootstrapFiles('attacks.mjs')
    : [{ path: attacksFile, content: readFileSync(handlerFile(attacksFile.replace('index', 'attacks'))) }];
const archive = await writeZip(files);
/** What the folder of the package holds, once it is unpacked. */
export const attacksFiles: readonly string[] = [...files.map(({ path }) => path), 'package.json'];
export const attacksDigest = digestOf(archive);

type Options = {
  mode: IsolationMode;
  abilities: Abilities;
  folder: string | undefined;
  networkProjects?: string[];
  processProjects?: string[];
  cgroups?: Cgroups;
  processorsOfProject?: ProcessorQuota;
};

/** A process host whose packages come from memory, with the isolation of a worker. */
export function openSandboxedHost({ mode, abilities, folder, cgroups, processorsOfProject, ...grants }: Options): ProcessHost {
  const packages = { get: async (digest: string) => (digest === attacksDigest ? archive : undefined) };
  const uids: Record<string, number> = { a: 100_001, b: 100_002 };
  return createProcessHost({
    packages: createPackageCache({ packages, folder }),
    isolation: createIsolation({
      plan: planIsolation(mode, abilities),
      uidOf: async (project) => uids[project] ?? 100_003,
      networkProjects: grants.networkProjects ?? [],
      // The attacks start processes, to which the sandbox must be a boundary without Node's permission model.
      processProjects: grants.processProjects ?? ['a', 'b'],
    }),
    cgroups,
    ...(processorsOfProject === undefined ? {} : { processorsOfProject }),
    idleInMs: 300_000,
  });
}

/** A function of the package of attacks. */
export function attack(name: string, more: Partial<FunctionDefinition> = {}, project = 'b='): FunctionDefinition {
  const handler = { kind: 'process', package: attacksDigest, file: attacksFile, export: name };
  return functionDefinitionSchema.parse({ name: `${project}attack`, timeoutInMs: 60_000, ...more, handler });
}

/** How many running processes have the text among their arguments, in all namespaces of this machine. */
export function processesWith(marker: string): number {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name) && argumentsOf(name).includes(marker)).length;
}

/** The arguments of a process; empty for a zombie, and when the process is gone. */
function argumentsOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0');
  } catch {
    return [];
  }
}
