import { rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { build, type Metafile, type Plugin } from 'esbuild';
import { bundledPackages } from './bundled-packages.ts';
import { ModuleGraph } from './module-graph.ts';
import { packageVersion } from './package-version.ts';
import { builtSpecifier } from './specifiers.ts';

/*
 * Node resolves, opens and compiles each module by itself, and a command needs 250 of them. A group is one file with all modules that a start
 * needs together. The own file of such a module exports what the group has. So every path stays, and every module exists once.
 */

type Group = { name: string; modules: ReadonlySet<string> };
export type BuildFolders = { root: string; dist: string; target: string };

/**
 * The modules that run at their import stay outside, each in its own file. While the one of the command line awaits the command, no other
 * module could import from its group.
 */
const COMMAND_LINE = 'src/cli/cli.ts';
const PROCESSES = ['projection', 'janitor', 'sql'].map((name) => `src/main/roles/processes/${name}-process.ts`);
const STARTS = [COMMAND_LINE, ...PROCESSES];
/** What runs the roles in the process of `sequent serve` and `sequent dev`. */
const ROLES = 'src/cli/commands/serve/run.ts';
/** What an application imports. */
const LIBRARY = 'src/client/client.ts';
const TESTING = 'src/testing/testing.ts';

/** Writes the groups, and lets their modules export from them. `built` describes the modules before. */
export async function groupModules({ root, dist, target }: BuildFolders, built: Metafile): Promise<void> {
  const graph = new ModuleGraph(root, built);
  const groups = groupsOf(graph);
  const grouped = [...new Set(groups.flatMap(({ modules }) => [...modules]))].sort();
  const exportNames = new Map(
    grouped.map((module, number) => [module, graph.exportsOf(module).map((name) => [name, `m${number}_${name}`] as const)]),
  );
  const entryOf = ({ modules }: Group): string =>
    [...modules].map((module) => exportLine(join(root, module), exportNames.get(module) ?? [])).join('');
  await build({
    entryPoints: [
      ...STARTS.map((start) => ({ in: start, out: start.replace(/\.ts$/, '') })),
      ...groups.map(({ name }) => ({ in: `group:${name}`, out: name })),
    ],
    absWorkingDir: root,
    outdir: dist,
    bundle: true,
    splitting: true,
    chunkNames: 'shared-[hash]',
    format: 'esm',
    platform: 'node',
    target,
    sourcemap: true,
    sourcesContent: false,
    plugins: [
      groupEntries(root, new Map(groups.map((group) => [group.name, entryOf(group)]))),
      outsideOfGroups(root, new Set(grouped)),
      packageVersion,
    ],
    logLevel: 'warning',
  });
  for (const module of grouped) {
    // The first group of a module loads the least.
    const { name } = groups.find(({ modules }) => modules.has(module)) as Group;
    const file = join(dist, module.replace(/\.ts$/, '.js'));
    const names = (exportNames.get(module) ?? []).map(([own, inGroup]) => [inGroup, own] as const);
    writeFileSync(file, exportLine(relative(dirname(file), join(dist, `${name}.js`)), names));
    rmSync(`${file}.map`);
  }
}

/**
 * The client library; the command line without its commands; the commands that need no further package, and what connects them; the processes
 * of roles; the roles. A module that the library imports on use is in no group, so that an application, and its bundle, get no command.
 */
function groupsOf(graph: ModuleGraph): Group[] {
  const library = graph.closureOf([LIBRARY]);
  const onUse = [...library].flatMap((module) => graph.importsOf(module, 'dynamic-import'));
  const apart = new Set([...graph.closureOf([...onUse, TESTING])].filter((module) => !library.has(module)));
  const commandLine = graph.closureOf(graph.importsOf(COMMAND_LINE, 'import-statement'));
  const connecting = graph.closureOf(graph.importsOf('src/cli/session.ts', 'dynamic-import'));
  const packages = graph.packagesOf([...library, ...commandLine, ...connecting]);
  const commands = graph.importsOf('src/cli/command-table.ts', 'dynamic-import').filter((command) => {
    const modules = graph.closureOf([command]);
    const needed = [...graph.packagesOf(modules)];
    return needed.every((name) => packages.has(name)) && ![...modules].some((module) => graph.readsOwnPath(module));
  });
  const processes = graph.closureOf(PROCESSES.flatMap((start) => graph.importsOf(start, 'import-statement')));
  const roles = graph.closureOf([ROLES]);
  const small = [
    { name: 'client-library', modules: library },
    { name: 'command-line', modules: withoutAny(commandLine, apart) },
    { name: 'commands', modules: withoutAny(graph.closureOf([...connecting, ...commands]), apart) },
  ];
  const inSmall = new Set(small.flatMap(({ modules }) => [...modules]));
  // Another command would load a whole group of roles for one module, and a module with an own path must not need the group that needs it.
  const beside = new Set([
    ...apart,
    ...[...graph.reachableFrom(COMMAND_LINE, ROLES)].filter((module) => !inSmall.has(module)),
    ...graph.closureOf([...processes, ...roles].filter((module) => graph.readsOwnPath(module))),
  ]);
  const groups = [
    ...small,
    { name: 'role-processes', modules: withoutAny(processes, beside) },
    { name: 'roles', modules: withoutAny(roles, beside) },
  ];
  for (const module of groups.flatMap(({ modules }) => [...modules]))
    if (graph.readsOwnPath(module)) throw new Error(`${module} uses import.meta, and is in a group of modules`);
  return groups;
}

function withoutAny(modules: ReadonlySet<string>, others: ReadonlySet<string>): Set<string> {
  return new Set([...modules].filter((module) => !others.has(module)));
}

function exportLine(from: string, names: readonly (readonly [string, string])[]): string {
  return `export { ${names.map(([name, as]) => `${name} as ${as}`).join(', ')} } from '${withDot(from)}';\n`;
}

function groupEntries(root: string, entries: ReadonlyMap<string, string>): Plugin {
  return {
    name: 'sequent-group-entries',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^group:/ }, ({ path }) => ({ path: path.slice('group:'.length), namespace: 'group' }));
      onLoad({ filter: /^/, namespace: 'group' }, ({ path }) => ({ contents: entries.get(path) ?? '', resolveDir: root }));
    },
  };
}

/** The imports that stay outside of a group: packages, JavaScript, dynamic imports, and modules apart. */
function outsideOfGroups(root: string, grouped: ReadonlySet<string>): Plugin {
  return {
    name: 'sequent-outside-of-groups',
    setup({ onResolve }) {
      onResolve({ filter: /^/ }, ({ kind, path, importer, namespace }) => {
        if (kind === 'entry-point' || namespace === 'group' || path.endsWith('.json')) return undefined;
        const from = relative(root, importer);
        const specifier = builtSpecifier(bundledPackages.get(path) ?? path, from);
        const target = join(dirname(from), specifier);
        if (kind === 'import-statement' && grouped.has(target.replace(/\.js$/, '.ts'))) return undefined;
        return { path: specifier.startsWith('.') ? specifierIn(from, target) : specifier, external: true };
      });
    },
  };
}

/** The groups are in `dist` itself, and each start is in its own folder. */
function specifierIn(importer: string, target: string): string {
  return withDot(relative(STARTS.includes(importer) ? dirname(importer) : '', target));
}

function withDot(path: string): string {
  return /^[./]/.test(path) ? path : `./${path}`;
}
