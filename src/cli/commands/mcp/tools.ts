import { z } from 'zod';
import { InvalidInputError } from '#src/core/errors.ts';
import { parsePointInTime } from '../../arguments/moment.ts';

const id = z.string().describe('the id of the invocation');
const name = z.string().describe('the name of the function');
const since = z.string().describe('30m, 2h or 30d ago, or 2026-01-31T12:00:00Z').optional();
const limit = z.int().min(1).max(500).optional();

export type Input = Readonly<Record<string, string | number | boolean | undefined>>;
/** The words of a command. `rehearsal` is `--dry-run`, or empty for a change that is made. */
type Words = (input: Input, rehearsal: readonly string[]) => (string | number | boolean | undefined)[];

/** What a gateway is asked. `change`: the last part of the path that changes what the path shows. */
export type GatewayRequest = { path: string; query?: Input; change?: string };

/** `request` is absent where no route of the gateway gives the answer. */
type Tool = { description: string; input: z.ZodRawShape; run: Words; request?: (input: Input) => GatewayRequest; isChange?: true };

const invocation = (given: Input, more = ''): string => `/api/invocations/${segmentOf(given.id)}${more}`;
const functionOf = (given: Input, more = ''): string => `/api/functions/${segmentOf(given.function)}${more}`;

/** A value as one segment of a path. Throws for a value that a URL resolves to another path. */
function segmentOf(value: Input[string]): string {
  const text = String(value);
  if (/^\.{0,2}$/.test(text)) throw new InvalidInputError({ field: 'the name or the id', problem: `must not be "${text}"` });
  return encodeURIComponent(text);
}

const from = (since: Input[string]): Input =>
  since === undefined ? {} : { from: new Date(parsePointInTime(String(since))).toISOString() };

export const option = (flag: string, value: Input[string]): string[] => (value === undefined ? [] : [`--${flag}=${value}`]);

/** Each tool is one command. An agent chooses values of options and arguments, and `--` ends the options, so that no argument is read as one. */
export const tools: Readonly<Record<string, Tool>> = {
  doctor: {
    description: 'Examine the server, the streams, the roles, the functions and the clocks: what is wrong, and the remedy. Ask this first.',
    input: {},
    run: () => ['doctor'],
    request: () => ({ path: '/api/system' }),
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
    request: ({ since, limit = 50, ...query }) => ({ path: '/api/invocations', query: { ...query, limit, ...from(since) } }),
  },
  get_invocation: {
    description: 'Show an invocation with its payload, its response and its deliveries.',
    input: { id },
    run: (given) => ['get', '--', given.id],
    request: (given) => ({ path: invocation(given) }),
  },
  timeline: {
    description: 'Show the attempts, waits and transitions of an invocation.',
    input: { id },
    run: (given) => ['timeline', '--', given.id],
    request: (given) => ({ path: invocation(given, '/events') }),
  },
  explain: {
    description: 'Explain what happened to an invocation, what it waits for now, and what to do.',
    input: { id },
    run: (given) => ['explain', '--', given.id],
    request: (given) => ({ path: invocation(given, '/explain') }),
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
    request: (given) => ({ path: given.function === undefined ? '/api/stats' : functionOf(given, '/stats'), query: from(given.since) }),
  },
  list_functions: {
    description: 'List the functions.',
    input: {},
    run: () => ['fn', 'ls'],
    request: () => ({ path: '/api/functions' }),
  },
  get_function: {
    description: 'Show the definition of a function: code, policy, flow, destinations.',
    input: { function: name },
    run: (given) => ['fn', 'get', '--', given.function],
    request: (given) => ({ path: functionOf(given) }),
  },
  logs: {
    description: 'Show what the attempts of a function printed, and why attempts failed.',
    input: { function: name, since, failed: z.boolean().describe('only of attempts that failed').optional(), limit },
    run: (given) => [
      ...['logs', ...option('since', given.since), ...option('limit', given.limit ?? 200)],
      ...(given.failed === true ? ['--failed'] : []),
      ...['--', given.function],
    ],
    request: ({ since, limit = 200, failed, ...given }) => ({
      path: functionOf(given, '/logs'),
      query: { limit, failed, ...from(since) },
    }),
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
    request: (given) => ({ path: invocation(given), change: 'redrive' }),
    isChange: true,
  },
  cancel: {
    description: 'End an open invocation.',
    input: { id },
    run: (given, rehearsal) => ['cancel', '--yes', ...rehearsal, '--', given.id],
    request: (given) => ({ path: invocation(given), change: 'cancel' }),
    isChange: true,
  },
  pause_function: {
    description: 'Start no attempt of a function until it is resumed. Its queued invocations wait and age.',
    input: { function: name },
    run: (given, rehearsal) => ['fn', 'pause', ...rehearsal, '--', given.function],
    request: (given) => ({ path: functionOf(given), change: 'pause' }),
    isChange: true,
  },
  resume_function: {
    description: 'Start attempts of a paused function again.',
    input: { function: name },
    run: (given, rehearsal) => ['fn', 'resume', ...rehearsal, '--', given.function],
    request: (given) => ({ path: functionOf(given), change: 'resume' }),
    isChange: true,
  },
};
