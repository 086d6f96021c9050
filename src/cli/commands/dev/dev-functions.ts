import { EventEmitter, once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { CodeError } from '#src/cli/code/code-error.ts';
import { isHandlerFile } from '#src/cli/code/languages.ts';
import { formatTimeOfDay } from '#src/cli/print/format.ts';
import { problemOf } from '#src/cli/problem.ts';
import { say } from '#src/cli/texts/say.ts';
import { FunctionNotFoundError } from '#src/core/errors.ts';
import { type FunctionName, isFunctionName } from '#src/core/names/names.ts';
import { missingTargets } from '#src/functions/dependents.ts';
import type { RunningRoles } from '#src/main/roles/roles.ts';
import { functionFilesIn, functionNameOf, type IgnoredFile, ignoredFilesIn, NO_HANDLER } from './function-files.ts';
import { type FunctionSettings, readSettings, SETTINGS_FILE } from './function-settings.ts';
import { readFunction } from './read-function.ts';

type Options = {
  folder: string;
  dataDir: string;
  roles: Pick<RunningRoles, 'registry' | 'functions' | 'ports'>;
  /** The `node_modules` folder that the code sees where it runs. */
  provided: string;
  /** Whether the functions run with a debugger. */
  isInspected: boolean;
  say(line: string): void;
};

/** The state of a handler file of the folder. */
type HandlerFile = {
  name: string;
  /** A change of one of these files concerns this file. */
  inputs: readonly string[];
  /** The revision of its function; `undefined` until the file was put, in this run or an earlier one. */
  revision: number | undefined;
  /** When this run put it. */
  putAt?: number;
  /** Why the file cannot be put as it is now. */
  problem: string | undefined;
};

export type DevFunction = { name: string; file: string; isPut: boolean };

/**
 * Keeps the registry equal to the handler files of a folder (rule DEV1).
 *
 * Every file that exports a handler is a function. A file that cannot be loaded keeps the code that was put before. The names that were put
 * are noted in the data folder, so that a file which was deleted between two runs is noticed.
 */
export class DevFunctions {
  readonly #options: Options;
  readonly #known = new Map<string, HandlerFile>();
  /** The folder that a package was made of, by its digest. */
  readonly #roots = new Map<string, string>();
  readonly #changes = new EventEmitter().setMaxListeners(0);
  /** The lines about missing functions that are true and were said. */
  #saidMissing: ReadonlySet<string> = new Set();
  readonly #record: string;
  readonly #earlier: ReadonlySet<string>;

  constructor(options: Options) {
    this.#options = options;
    this.#record = join(options.dataDir, 'dev.json');
    this.#earlier = new Set(this.#readRecord());
    options.roles.functions.subscribe(() => this.#changes.emit('change'));
  }

  get list(): DevFunction[] {
    return [...this.#known].flatMap(([file, { name, revision, problem }]) =>
      revision === undefined && problem === undefined ? [] : [{ name, file, isPut: revision !== undefined }],
    );
  }

  /** The files of code that are no functions, and why. */
  get ignored(): IgnoredFile[] {
    const { folder, dataDir } = this.#options;
    const known = [...this.#known];
    const put = known.filter(([, { revision }]) => revision !== undefined);
    const imported = new Set(put.flatMap(([, { inputs }]) => inputs));
    // A file may mention a handler without one of its own.
    const without = known.filter(([, { revision, problem }]) => revision === undefined && problem === undefined).map(([file]) => file);
    const found: IgnoredFile[] = [...ignoredFilesIn(folder, dataDir), ...without.map((file) => ({ file, why: NO_HANDLER }) as const)];
    return found.filter(({ file }) => !imported.has(file)).sort((one, other) => (one.file < other.file ? -1 : 1));
  }

  /** Files outside of the folder that functions import. */
  get importedFiles(): string[] {
    return [...this.#known.values()]
      .flatMap(({ inputs }) => inputs)
      .filter((file) => relative(this.#options.folder, file).startsWith('..'));
  }

  /** The folder on this machine that a package was made of. */
  rootOf(digest: string): string | undefined {
    return this.#roots.get(digest);
  }

  /** Puts all functions, and removes those of an earlier run whose files are gone. */
  async open(): Promise<void> {
    await this.update('all');
    const present = new Set(this.list.map(({ name }) => name));
    for (const name of this.#earlier) if (!present.has(name)) await this.#remove(name, say('its file is gone'));
    this.#writeRecord();
    await this.#sayMissingTargets();
  }

  /** Puts the functions that these changed files concern, and removes those whose files were deleted. */
  async update(changed: ReadonlySet<string> | 'all'): Promise<void> {
    const { folder, dataDir } = this.#options;
    const settings = this.#settings(changed);
    if (settings === undefined) return;
    const named = Object.values(settings).flatMap(({ file }) => (file !== undefined && existsSync(file) ? [file] : []));
    const isForAll = changed === 'all' || changed.has(join(folder, SETTINGS_FILE));
    if (isForAll) this.#sayMissing(settings);
    const files = new Set([...named, ...functionFilesIn(folder, dataDir)]);
    await this.#removeDeleted(files);
    for (const file of files) {
      if (!isForAll && !this.#isConcerned(file, changed)) continue;
      const name = Object.entries(settings).find(([, one]) => one.file === file)?.[0] ?? functionNameOf(file);
      await this.#removeFormerName(file, name);
      await this.#put(file, name, settings[name] ?? {});
    }
    this.#writeRecord();
    if (changed !== 'all') await this.#sayMissingTargets();
  }

  /** A function may be saved before the functions that it notifies, so that a missing one is no error. Each one is said once. */
  async #sayMissingTargets(): Promise<void> {
    const missing = missingTargets(await this.#options.roles.registry.list());
    const lines = missing.map((edge) =>
      edge.on === 'success'
        ? say('{from} notifies {to} on success, and {to} does not exist: those deliveries end dead', edge)
        : say('{from} notifies {to} on failure, and {to} does not exist: those deliveries end dead', edge),
    );
    for (const line of lines) if (!this.#saidMissing.has(line)) this.#options.say(line);
    this.#saidMissing = new Set(lines);
  }

  async #removeFormerName(file: string, name: string): Promise<void> {
    const known = this.#known.get(file);
    if (known === undefined || known.name === name) return;
    this.#known.delete(file);
    if (known.revision !== undefined)
      await this.#remove(known.name, say('{file} is {name} now', { file: relative(this.#options.folder, file), name }));
  }

  async #removeDeleted(files: ReadonlySet<string>): Promise<void> {
    for (const [file, { name, revision }] of this.#known) {
      if (files.has(file)) continue;
      this.#known.delete(file);
      const text = existsSync(file) ? '{file} exports no handler any more' : '{file} was deleted';
      if (revision !== undefined) await this.#remove(name, say(text, { file: relative(this.#options.folder, file) }));
    }
  }

  /** A file that could not be loaded may be waiting for a file that was added. */
  #isConcerned(file: string, changed: ReadonlySet<string>): boolean {
    const known = this.#known.get(file);
    if (known === undefined) return true;
    if (known.problem !== undefined) return [...changed].some((path) => isHandlerFile(path) || path.endsWith('.json'));
    return known.inputs.some((input) => changed.has(input));
  }

  #sayMissing(settings: Readonly<Record<string, FunctionSettings>>): void {
    for (const [name, { file }] of Object.entries(settings))
      if (file !== undefined && !existsSync(file))
        this.#options.say(
          say('{name}: not put; {settings} names {file}, which does not exist', {
            name,
            settings: SETTINGS_FILE,
            file: relative(this.#options.folder, file),
          }),
        );
  }

  #settings(changed: ReadonlySet<string> | 'all'): Readonly<Record<string, FunctionSettings>> | undefined {
    try {
      return readSettings(this.#options.folder);
    } catch (error) {
      if (changed === 'all') throw error;
      this.#sayProblem(say('{file}: the settings before it stay', { file: SETTINGS_FILE }), problemOf(error).why);
      return undefined;
    }
  }

  async #put(file: string, name: string, settings: FunctionSettings): Promise<void> {
    const startedAt = performance.now();
    const known = this.#known.get(file) ?? { name, inputs: [file], problem: undefined, revision: this.#earlierRevision(name) };
    try {
      const { inputs, put, isEmpty } = await readFunction(file, settings, this.#options);
      // An editor may empty a file before it writes it. The write is a change of its own.
      if (isEmpty) return;
      if (put === undefined) {
        this.#known.set(file, { name, inputs, revision: undefined, problem: undefined });
        if (known.revision !== undefined)
          await this.#remove(name, say('{file} exports no handler any more', { file: relative(this.#options.folder, file) }));
        return;
      }
      this.#expectName(name, file);
      this.#roots.set(put.digest, put.root);
      const { ports, registry } = this.#options.roles;
      await ports.packages.put(put.archive);
      const { revision } = await registry.put({ ...put.definition, name });
      await registry.testEvents.putExample(name, put.example);
      await this.#applied(name, revision);
      this.#known.set(file, { name, inputs, revision, putAt: Date.now(), problem: undefined });
      if (revision === known.revision && known.problem === undefined) return;
      const duration = `${Math.round(performance.now() - startedAt)} ms`;
      this.#options.say(
        say(known.revision === undefined ? '{name}: put, {duration}' : '{name}: put again, {duration}', { name, duration }),
      );
    } catch (error) {
      this.#keepEarlier(file, known, error);
    }
  }

  #keepEarlier(file: string, known: HandlerFile, error: unknown): void {
    const inputs = error instanceof CodeError ? [file, ...error.files] : known.inputs;
    const problem = problemOf(error).why;
    this.#known.set(file, { ...known, inputs, problem });
    if (problem === known.problem) return;
    this.#sayProblem(notPutInWords(known), problem);
  }

  #earlierRevision(name: string): number | undefined {
    return this.#earlier.has(name) ? this.#options.roles.functions.get(name as FunctionName)?.revision : undefined;
  }

  #expectName(name: string, file: string): void {
    const { folder } = this.#options;
    const other = [...this.#known].find(([path, known]) => known.name === name && known.revision !== undefined && path !== file)?.[0];
    const problem = isFunctionName(name)
      ? other && `${relative(folder, other)} has the name "${name}" already`
      : `"${name}" cannot be a name; a name has letters, digits, "-" and "_"`;
    if (problem !== undefined) throw new CodeError([{ text: problem, file }], { files: [file] });
  }

  /** Resolves once the roles of this process use a revision: the next attempt then runs it. */
  async #applied(name: string, revision: number): Promise<void> {
    const { functions } = this.#options.roles;
    while ((functions.get(name as FunctionName)?.revision ?? 0) < revision) await once(this.#changes, 'change');
  }

  async #remove(name: string, why: string): Promise<void> {
    await this.#options.roles.registry.delete(name).catch((error: unknown) => {
      if (!(error instanceof FunctionNotFoundError)) throw error;
    });
    this.#options.say(say('{name}: removed, because {why}', { name, why }));
  }

  #sayProblem(what: string, why: string): void {
    const { say: print } = this.#options;
    print(what);
    for (const line of why.split('\n')) print(`  ${line}`);
  }

  #readRecord(): string[] {
    try {
      return (JSON.parse(readFileSync(this.#record, 'utf8')) as { functions: string[] }).functions;
    } catch {
      return [];
    }
  }

  #writeRecord(): void {
    const functions = this.list.flatMap(({ name, isPut }) => (isPut ? [name] : []));
    writeFileSync(this.#record, `${JSON.stringify({ functions })}\n`);
  }
}

function notPutInWords({ name, revision, putAt }: HandlerFile): string {
  if (revision === undefined) return say('{name}: not put', { name });
  if (putAt === undefined) return say('{name}: not put; the code of the earlier run still runs', { name });
  return say('{name}: not put; the code of {time} still runs', { name, time: formatTimeOfDay(putAt).slice(0, 8) });
}
