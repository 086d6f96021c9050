import { z } from 'zod';
import { wholeNumber } from '#machines/bounds.ts';
import { PATH_FORM, parseJsonPath } from '#src/core/json/json-path.ts';
import { type FunctionName, isBareName, splitName } from '#src/core/names/names.ts';
import { durationSchema } from '#src/core/text/duration-schema.ts';
import { debounceSchema } from './debounce.ts';
import { type RateText, rateOf, rateSchema, rateTextOf } from './rate.ts';

/**
 * How many attempts of a function may run at one moment over all workers, and how many may start in a time.
 *
 * The flow of `latest` counts for all versions of the function.
 */
export const flowSchema = z
  .strictObject({
    concurrency: wholeNumber('the concurrency over all workers', { from: 1, to: 1_000, of: 'attempts' })
      .optional()
      .describe('attempts at one moment over all workers: of each key when there is a key, else of the function or of its pool'),
    rate: rateSchema
      .optional()
      .describe('attempts that start in a time over all workers: of each key when there is a key, else of the function or of its pool'),
    key: z
      .string()
      .refine((text) => parseJsonPath(text) !== undefined, PATH_FORM)
      .optional()
      .describe('where the key is in the payload, such as $.customer; the header Flow-Key of a request has precedence'),
    total: wholeNumber('the total', { from: 1, to: 1_000, of: 'attempts' }).optional().describe('attempts of all keys together'),
    pool: z
      .string()
      .refine(isBareName, 'must be 1 to 60 letters, digits, "-" or "_", start with a letter and end with a letter or digit')
      .optional()
      .describe('functions of a project with the same pool share their slots'),
    debounce: debounceSchema
      .optional()
      .describe('requests of each key that follow each other closely run once, or of the function without a key'),
    order: z
      .enum(['fifo', 'priority'])
      .optional()
      .describe(
        'fifo: the requests of a key start one after another, in the order of the log; priority: the most urgent one that waits starts first',
      ),
    aging: durationSchema({ from: '1s', to: '1d', examples: '30s, 1m or 1h' })
      .optional()
      .describe('with order priority: the time by which each level puts a request ahead, by default 1m, so that none starves'),
    onRetry: z
      .enum(['hold', 'pass'])
      .optional()
      .describe(
        'with order fifo: hold, the default, keeps the key until the outcome of a failed attempt that is retried; pass lets the next request run',
      ),
  })
  .refine(({ concurrency, rate, debounce }) => concurrency !== undefined || rate !== undefined || debounce !== undefined, {
    path: ['concurrency'],
    message: 'must be given, or a rate, or both, or a debounce',
  })
  .refine(({ key, total }) => total === undefined || key !== undefined, {
    path: ['total'],
    message: 'needs a key: without a key, the concurrency is the total',
  })
  .refine(({ concurrency, total }) => total === undefined || concurrency !== undefined, {
    path: ['total'],
    message: 'needs a concurrency: an attempt of a function without one takes no slot',
  })
  .refine(({ order, key }) => order !== 'fifo' || key !== undefined, {
    path: ['order'],
    message: 'needs a key: the order is that of the requests of one key',
  })
  .refine(({ order, concurrency }) => order !== 'fifo' || concurrency === 1, {
    path: ['order'],
    message: 'needs the concurrency 1: attempts of one key that run at the same time have no order',
  })
  .refine(({ order, rate }) => order !== 'fifo' || rate === undefined, {
    path: ['order'],
    message: 'cannot go with a rate: a retry that keeps its key would wait for a token that others may take',
  })
  .refine(({ order, debounce }) => order === undefined || debounce === undefined, {
    path: ['order'],
    message: 'cannot go with a debounce: one request of a key runs for others',
  })
  .refine(({ order, onRetry }) => onRetry === undefined || order === 'fifo', {
    path: ['onRetry'],
    message: 'needs the order "fifo": without that order, a failed attempt never keeps its key',
  })
  .refine(({ order, aging }) => aging === undefined || order === 'priority', {
    path: ['aging'],
    message: 'needs the order "priority": without priorities, requests start in the order in which they came',
  });

export type Flow = z.infer<typeof flowSchema>;

declare const brand: unique symbol;
/** The slots that a function uses: its own (`function.<function>`), or those of a pool (`pool.<pool>`, `pool.<project>=<pool>`). */
export type PoolId = string & { readonly [brand]: 'PoolId' };

/** The pool of a function. A pool that functions share never has the id of a function's own pool. */
export function poolOf(name: FunctionName, { pool }: Pick<Flow, 'pool'>): PoolId {
  if (pool === undefined) return `function.${name}` as PoolId;
  const { project } = splitName(name);
  return (project === undefined ? `pool.${pool}` : `pool.${project}=${pool}`) as PoolId;
}

/** The project whose functions use a pool; `undefined` is the own one. */
export function projectOfPool(pool: PoolId): string | undefined {
  const [, project] = /^(?:function|pool)\.([^=]+)=/.exec(pool) ?? [];
  return project;
}

/** The limits that a function sets for its attempts, and its order. */
type FlowLimits = { perKey?: number; total?: number; rate?: RateText; fifo?: OnRetry };

/** The limits that a function compares with all holders of its pool. Without a key, its concurrency is the total. */
export function limitsOf(flow: Flow): FlowLimits {
  const { concurrency, key, total, rate } = flow;
  const limits: FlowLimits = {};
  const fifo = fifoOf(flow);
  if (fifo !== undefined) limits.fifo = fifo;
  if (rate !== undefined) limits.rate = rateTextOf(rateOf(rate));
  if (key !== undefined && concurrency !== undefined) limits.perKey = concurrency;
  const totalOfAll = key === undefined ? concurrency : total;
  if (totalOfAll !== undefined) limits.total = totalOfAll;
  return limits;
}

/** Whether attempts of the function need a slot or a token. A debounce alone limits none. */
export function hasLimits(flow: Flow | undefined): flow is Flow {
  return flow?.concurrency !== undefined || flow?.rate !== undefined;
}

export type OnRetry = NonNullable<Flow['onRetry']>;

/** What a failed attempt does with its key, in a flow whose order is that of the log; `undefined` for any other flow. */
export function fifoOf({ order, onRetry = 'hold' }: Flow): OnRetry | undefined {
  return order === 'fifo' ? onRetry : undefined;
}

const MAX_KEY_CHARACTERS = 128;

/** Whether a text can be a key as it is: 1 to 128 characters, none of them a control character or a half of a surrogate pair. */
export function isFlowKey(text: string): boolean {
  return text.length <= MAX_KEY_CHARACTERS && /^[^\p{Cc}\p{Cs}]+$/u.test(text);
}

export const FLOW_KEY_FORM = `must have 1 to ${MAX_KEY_CHARACTERS} characters, and no control characters`;
