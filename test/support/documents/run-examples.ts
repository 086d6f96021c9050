import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect } from 'vitest';
import type { Reply } from '#test/support/destinations/receiver.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';
import { type Block, blocksOf, commandsOf, isExample } from './blocks.ts';
import type { Example, Expected } from './example.ts';
import { examples } from './examples.ts';
import { placeOrders, preparations, type Replacements, serveOptions } from './preparations.ts';
import { folderOf, type Installed, openReader, outputOf, type Reader } from './reader.ts';

/* The examples of README and of the documents, word for word, one document after another, against one server. */

const natsCommand = new URL('nats-command.mjs', import.meta.url).pathname;
const loader = import.meta.resolve('tsx');

/** A target that refuses for good, and one that asks for patience. */
const gone: Reply = (response, { path }) => void response.writeHead(path === '/busy' ? 503 : 410).end();

/** A document while its examples run. */
class ReadDocument {
  readonly #reader: Reader;
  readonly #replacements: Replacements;
  /** Settings of the shell, which hold for later commands. */
  readonly #prelude: string[] = [];
  readonly #outputs: string[] = [];
  readonly #running: { child: ChildProcess; said: () => string; prints: RegExp; command: string }[] = [];
  #folder: string;
  #programs = 0;

  constructor(reader: Reader, folder: string, replacements: Replacements) {
    const address = {
      'localhost:8080': (reader.env.SEQUENT_HTTP ?? '').replace('http://', ''),
      'nats://127.0.0.1:4222': reader.sequent.url,
    };
    this.#reader = reader;
    this.#folder = folder;
    this.#replacements = { ...address, ...replacements };
  }

  async show(block: Block, example: Example): Promise<void> {
    if (example.kind === 'commands') await this.#runCommands(commandsOf(block), example.commands);
    else if (example.kind === 'program') await this.#runProgram(block, example);
    else if (example.kind === 'file') {
      const path = join(this.#folder, example.path);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, block.content + example.after);
    }
  }

  /** Waits for what the commands must print that still run, and ends them. */
  async close(): Promise<void> {
    try {
      for (const { said, prints, command } of this.#running) await expect.poll(said, { timeout: 60_000, message: command }).toMatch(prints);
    } finally {
      for (const { child } of this.#running)
        if (child.exitCode === null && child.signalCode === null && child.pid !== undefined) {
          process.kill(-child.pid, 'SIGTERM');
          await once(child, 'close');
        }
    }
  }

  async #runCommands(commands: readonly string[], expected: readonly Expected[]): Promise<void> {
    const paired = commands.map((command, index) => ({ command, expectation: expected[index] ?? /^$/ }));
    for (const { command, expectation } of paired)
      if ('stays' in expectation && expectation.stays === 'from-the-start') await this.#start(command, expectation.prints);
    for (const { command, expectation } of paired) {
      if ('notRun' in expectation) continue;
      if ('stays' in expectation) {
        if (expectation.stays === 'in-order') await this.#start(command, expectation.prints);
      } else if (/^(?:export|eval) /.test(command)) this.#prelude.push(command);
      else await this.#run(command, expectation);
    }
  }

  async #run(command: string, prints: RegExp): Promise<void> {
    const [, first, folder = '.'] = /^(?:(.*) && )?cd (\S+)$/.exec(command) ?? [];
    let output = '';
    // A command is repeated until its output matches, because the read model follows the log.
    const run = async (): Promise<string> => {
      output = await outputOf(this.#typed(folder === '.' ? command : (first ?? 'true')), this.#folder, this.#reader);
      return output;
    };
    await expect.poll(run, { timeout: 60_000, interval: 500, message: command }).toMatch(prints);
    this.#outputs.push(output);
    this.#folder = join(this.#folder, folder);
  }

  /** Starts a command that stays, and waits until it has said something if others depend on it. */
  async #start(command: string, prints: RegExp): Promise<void> {
    const child = spawn('bash', ['-ec', this.#typed(command)], { cwd: this.#folder, env: this.#reader.env, detached: true });
    const chunks: Buffer[] = [];
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    const said = (): string => Buffer.concat(chunks).toString();
    this.#running.push({ child, said, prints, command });
    if (command.startsWith('nats ')) await expect.poll(said, { timeout: 60_000 }).toMatch(/Subscribing/);
  }

  async #runProgram({ language, content }: Block, { before, after, prints }: Extract<Example, { kind: 'program' }>): Promise<void> {
    const file = `example-${this.#programs++}.${language === 'ts' ? 'mts' : 'mjs'}`;
    writeFileSync(join(this.#folder, file), this.#replaced(`${before}${content}${after}`));
    const command = `eval "$(sequent env)" && node --import ${loader} ${file}`;
    expect(await outputOf(command, this.#folder, this.#reader), content).toMatch(prints);
  }

  #typed(command: string): string {
    return [...this.#prelude, this.#replaced(command)].join('\n');
  }

  #replaced(text: string): string {
    return Object.entries(this.#replacements).reduce(
      (replaced, [from, to]) => replaced.replaceAll(from, typeof to === 'string' ? to : to(this.#outputs)),
      text,
    );
  }
}

const isRunHere = ({ kind }: Example): boolean => ['commands', 'program', 'file'].includes(kind);

/** Runs the examples with the package that is installed when the first document is read. */
export function testExamples(installed: () => Installed): void {
  const test = sharedByFile(async () => {
    const reader = await openReader(installed(), gone, serveOptions);
    try {
      // `nats` expects a server on port 4222. The server of a test has another port.
      const script = `#!/bin/sh\nexport NATS_URL="\${NATS_URL:-${reader.sequent.url}}"\nexec node ${natsCommand} "$@"\n`;
      writeFileSync(join(reader.installed.bin, 'nats'), script, { mode: 0o755 });
      await placeOrders(reader);
      return reader;
    } catch (error) {
      await reader[Symbol.asyncDispose]();
      throw error;
    }
  });
  describe('the examples of', () => {
    for (const [document, shown] of Object.entries(examples).filter(([, all]) => all.some(isRunHere)))
      test(`${document} do what they say, word for word`, { timeout: 400_000 }, async ({ sequent: reader }) => {
        const blocks = blocksOf(document).filter(isExample);
        const folder = folderOf(reader, blocks);
        const read = new ReadDocument(reader, folder, (await preparations[document]?.(reader, folder)) ?? {});
        try {
          for (const [index, block] of blocks.entries()) await read.show(block, shown[index] ?? { kind: 'not-run', reason: '' });
        } finally {
          await read.close();
        }
      });
  });
}
