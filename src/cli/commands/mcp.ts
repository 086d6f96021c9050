import { execFile } from 'node:child_process';
import type { Writable } from 'node:stream';
import { Command } from 'commander';
import pLimit from 'p-limit';
import { z } from 'zod';
import { VERSION } from '#src/client/version.ts';
import { messageOf } from '#src/core/errors.ts';
import { action, type Call, type GlobalOptions } from '../call.ts';
import { exitCodes, usageProblem } from '../problem.ts';

type McpOptions = { allowChanges?: true };

/** A tool answers with at most so many characters. The rest is cut, and the answer says so. */
const MAX_ANSWER = 100_000;
/** A command may take so long, and print so much. */
const MAX_MS = 120_000;
const MAX_BYTES = 16 * 1_048_576;
/** So many tools run at one moment. Further calls wait. */
const MAX_AT_ONCE = 4;

export function mcpCommand(): Command {
  return new Command('mcp')
    .description(
      'Serves the Model Context Protocol on stdin and stdout, so that an agent can diagnose invocations. Its tools are commands with JSON output, which read only.',
    )
    .option(
      '--allow-changes',
      'also redrive, cancel, pause and resume; each tells first what it would change, and acts when it is asked again',
    )
    .addHelpText('after', examples)
    .action(action<McpOptions>(serve));
}

const examples = `
Examples:
  sequent mcp
  sequent mcp --allow-changes --context production
  sequent mcp --server nats://127.0.0.1:4222    (the command line for the settings of an agent)

The command needs the package @modelcontextprotocol/sdk, which is no dependency, because applications of the client would get it, too.
It has the rights of its credentials: an agent with a key of one project sees that project only.`;

const id = z.string().describe('the id of the invocation');
const name = z.string().describe('the name of the function');
const since = z.string().describe('30m, 2h or 30d ago, or 2026-01-31T12:00:00Z').optional();
const limit = z.int().min(1).max(500).optional();

type Input = Readonly<Record<string, string | number | boolean | undefined>>;
/** The words of a command. An empty list of further words is that of a change that is made, and else has `--dry-run`. */
type Words = (input: Input, rehearsal: readonly string[]) => (string | number | boolean | undefined)[];

type Tool = { description: string; input: z.ZodRawShape; run: Words; isChange?: true };

const option = (flag: string, value: Input[string]): string[] => (value === undefined ? [] : [`--${flag}=${value}`]);

/** Each tool is one command. An agent chooses values of options and arguments, and `--` ends the options, so that no argument is read as one. */
const tools: Readonly<Record<string, Tool>> = {
  doctor: {
    description: 'Examine the server, the streams, the roles, the functions and the clocks: what is wrong, and the remedy. Ask this first.',
    input: {},
    run: () => ['doctor'],
  },
  list_invocations: {
    description: 'List invocations, the newest first.',
    input: {
      function: name.optional(),
      state: z.enum(['queued', 'running', 'retrying', 'succeeded', 'failed', 'notified']).optional(),
      condition: z.string().describe('why it failed, such as UnhandledInvocationError or EventAgeExceeded').optional(),
      text: z.string().describe('words in the payload, or in the error').optional(),
      since,
      limit,
    },
    run: (given) => [
      'ls',
      ...['function', 'state', 'condition', 'text', 'since'].flatMap((key) => option(key, given[key])),
      ...option('limit', given.limit ?? 50),
    ],
  },
  get_invocation: {
    description: 'Show an invocation with its payload, its response and its deliveries.',
    input: { id },
    run: (given) => ['get', '--', given.id],
  },
  timeline: {
    description: 'Show the attempts, waits and transitions of an invocation.',
    input: { id },
    run: (given) => ['timeline', '--', given.id],
  },
  explain: {
    description: 'Explain what happened to an invocation, what it waits for now, and what to do.',
    input: { id },
    run: (given) => ['explain', '--', given.id],
  },
  diff: {
    description: 'Compare an invocation at two moments: sequences of the log, or times.',
    input: { id, before: z.string(), after: z.string() },
    run: (given) => ['diff', '--', given.id, given.before, given.after],
  },
  stats: {
    description: 'Count invocations by state and condition, with percentiles of their times.',
    input: { function: name.optional(), since },
    run: (given) => ['stats', ...option('function', given.function), ...option('since', given.since)],
  },
  list_functions: { description: 'List the functions.', input: {}, run: () => ['fn', 'ls'] },
  get_function: {
    description: 'Show the definition of a function: code, policy, flow, destinations.',
    input: { function: name },
    run: (given) => ['fn', 'get', '--', given.function],
  },
  logs: {
    description: 'Show what the attempts of a function printed, and why attempts failed.',
    input: { function: name, since, failed: z.boolean().describe('only of attempts that failed').optional(), limit },
    run: (given) => [
      ...['logs', ...option('since', given.since), ...option('limit', given.limit ?? 200)],
      ...(given.failed === true ? ['--failed'] : []),
      ...['--', given.function],
    ],
  },
  whatif: {
    description: 'Fold recorded histories under another policy, and say what would have ended differently.',
    input: { function: name, max_retries: z.int().min(0).max(3).optional(), max_age: z.string().optional(), since },
    run: (given) => [
      ...['whatif', ...option('function', given.function), ...option('since', given.since)],
      ...[...option('max-retries', given.max_retries), ...option('max-age', given.max_age)],
    ],
  },
  redrive: {
    description: 'Run an ended invocation again, as a new invocation.',
    input: { id },
    run: (given, rehearsal) => ['redrive', '--yes', ...rehearsal, '--', given.id],
    isChange: true,
  },
  cancel: {
    description: 'End an open invocation.',
    input: { id },
    run: (given, rehearsal) => ['cancel', '--yes', ...rehearsal, '--', given.id],
    isChange: true,
  },
  pause_function: {
    description: 'Start no attempt of a function until it is resumed. Its queued invocations wait and age.',
    input: { function: name },
    run: (given, rehearsal) => ['fn', 'pause', ...rehearsal, '--', given.function],
    isChange: true,
  },
  resume_function: {
    description: 'Start attempts of a paused function again.',
    input: { function: name },
    run: (given, rehearsal) => ['fn', 'resume', ...rehearsal, '--', given.function],
    isChange: true,
  },
};

const confirmed = z.boolean().describe('false: tell what would change. true: change it.').default(false);

async function serve({ options }: Call<McpOptions>): Promise<typeof exitCodes.ok> {
  const { McpServer, StdioServerTransport } = await loadSdk();
  const server = new McpServer({ name: 'sequent', version: VERSION });
  const inTurn = pLimit(MAX_AT_ONCE);
  for (const [tool, { description, input, run, isChange }] of Object.entries(tools)) {
    if (isChange && !options.allowChanges) continue;
    const annotations = { readOnlyHint: !isChange, destructiveHint: isChange === true };
    const inputSchema = isChange ? { ...input, confirmed } : input;
    server.registerTool(tool, { description, inputSchema, annotations }, (given: Record<string, unknown>) => {
      const words = run(given as Input, isChange && given.confirmed !== true ? ['--dry-run'] : []);
      return inTurn(() => answerOf(words.map(String), options));
    });
  }
  const { stdin, stdout, signals } = options.host;
  const closed = new Promise<void>((resolve) => {
    server.server.onclose = resolve;
    stdin.once('end', resolve);
    signals.prependOnceListener('SIGINT', () => resolve());
  });
  await server.connect(new StdioServerTransport(stdin, stdout as unknown as Writable));
  await closed;
  await server.close();
  return exitCodes.ok;
}

/** Throws for a package that is not installed. */
async function loadSdk() {
  try {
    const [{ McpServer }, { StdioServerTransport }] = await Promise.all([
      import('@modelcontextprotocol/sdk/server/mcp.js'),
      import('@modelcontextprotocol/sdk/server/stdio.js'),
    ]);
    return { McpServer, StdioServerTransport };
  } catch (error) {
    throw usageProblem('a package is missing', messageOf(error), 'npm install --global @modelcontextprotocol/sdk');
  }
}

/**
 * Runs a command in a process of its own, and returns what it printed. The settings of the connection are those of `sequent mcp`. A command in this
 * process could write to stdout, which belongs to the protocol.
 */
async function answerOf(words: readonly string[], options: GlobalOptions) {
  const args = [...process.execArgv, process.argv[1] ?? '', '--output=json', ...connectionOf(options), ...words];
  const limits = { timeout: MAX_MS, maxBuffer: MAX_BYTES, encoding: 'utf8' } as const;
  const { code, text } = await new Promise<{ code: number; text: string }>((resolve) => {
    const child = execFile(process.execPath, args, limits, (error, stdout, stderr) => {
      const ended = typeof child.exitCode === 'number' ? '' : `${messageOf(error)}\n`;
      resolve({ code: child.exitCode ?? exitCodes.timedOut, text: ended + stdout + stderr });
    });
    child.stdin?.end();
  });
  const rest = text.length - MAX_ANSWER;
  const shown = rest > 0 ? `${text.slice(0, MAX_ANSWER)}\n(cut: ${rest} more characters; ask for less)` : text;
  return { content: [{ type: 'text' as const, text: shown }], isError: !answers.has(code) };
}

/** `doctor` with problems and a rehearsal with differences are answers, too. */
const answers: ReadonlySet<number> = new Set([exitCodes.ok, exitCodes.failed, exitCodes.differences]);

const CONNECTION = ['server', 'context', 'data', 'nkey', 'tlsca', 'tlscert', 'tlskey', 'domain', 'inboxPrefix'] as const;

function connectionOf(options: GlobalOptions): string[] {
  const named = CONNECTION.flatMap((key) => option(key === 'inboxPrefix' ? 'inbox-prefix' : key, options[key]));
  return options.tlsfirst ? [...named, '--tlsfirst'] : named;
}
