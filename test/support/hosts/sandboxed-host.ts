import { readdirSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { type FunctionDefinition, functionDefinitionSchema } from '#src/core/functions/definition.ts';
import { type CodePackages, digestOf } from '#src/core/ports/stores/code-packages.ts';
import type { ZipFile } from '#src/core/zip/read-zip.ts';
import { writeZip } from '#src/core/zip/write-zip.ts';
import type { Cgroups } from '#src/hosts/isolation/cgroups.ts';
import { createIsolation } from '#src/hosts/isolation/isolation.ts';
import { type Abilities, type IsolationMode, planIsolation } from '#src/hosts/isolation/plan.ts';
import { createPackageCache } from '#src/hosts/packages/package-cache.ts';
import { createProcessHost, type ProcessHost } from '#src/hosts/pool/process-host.ts';
import type { ProcessorQuota } from '#src/hosts/pool/processor-budget.ts';
import { bootstrapFiles } from './bootstraps.ts';
import { type RuntimeUnderTest, runtimeUnderTest } from './runtime-under-test.ts';

type Options = {
  mode: IsolationMode;
  abilities: Abilities;
  folder: string | undefined;
  networkProjects?: string[];
  processProjects?: string[];
  cgroups?: Cgroups;
  processorsOfProject?: ProcessorQuota;
};

/** The package of attacks for one runtime. */
export type Attacks = {
  readonly runtime: RuntimeUnderTest;
  readonly digest: string;
  /** The file of the handlers in the package. */
  readonly file: string;
  /** The files in the folder of the package, once it is unpacked. */
  readonly unpacked: readonly string[];
  /** A process host whose packages come from memory, with the isolation of a worker. */
  openSandboxedHost(options: Options): ProcessHost;
  /** A function of the package. */
  attack(name: string, more?: Partial<FunctionDefinition>, project?: string): FunctionDefinition;
};

export async function attacksIn(runtime: RuntimeUnderTest): Promise<Attacks> {
  const files = filesOf(runtime);
  const file = files[0]?.path ?? '';
  const archive = await writeZip(files);
  const digest = digestOf(archive);
  const packages = { get: async (wanted: string) => (wanted === digest ? archive : undefined) };
  return {
    runtime,
    digest,
    file,
    unpacked: [...files.map(({ path }) => path), 'package.json'],
    openSandboxedHost: (options) => openHost(packages, options),
    attack(name, more = {}, project = 'b=') {
      const handler = { kind: 'process', package: digest, file, export: name };
      return functionDefinitionSchema.parse({ name: `${project}attack`, timeoutInMs: 60_000, ...more, handler });
    },
  };
}

/** The attacks on Node.js. */
export const { attack, openSandboxedHost }: Attacks = await attacksIn(runtimeUnderTest('nodejs'));

/** The file of the handlers is the first one. */
function filesOf({ id, isProgram, fileOf }: RuntimeUnderTest): ZipFile[] {
  if (isProgram) return bootstrapFiles('attacks.mjs', id === 'executable' ? id : 'custom');
  const source = fileOf('attacks');
  return [{ path: `index${extname(source)}`, content: readFileSync(source) }];
}

function openHost(packages: Pick<CodePackages, 'get'>, options: Options): ProcessHost {
  const { mode, abilities, folder, cgroups, processorsOfProject, ...grants } = options;
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
