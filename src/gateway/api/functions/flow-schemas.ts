import { z } from 'zod';
import { wholeNumber } from '#src/core/text/whole-number.ts';
import { count, moment } from '../common-schemas.ts';

export const flowQuerySchema = z.strictObject({
  name: z.string().max(128).optional().describe('only the pool of this function, or this pool of functions'),
  keys: wholeNumber(0, 1_000).default(20).describe('the largest number of keys of each pool'),
});

const waiting = count.describe('the invocations that wait for a slot, and the messages in the queues of the functions');
const since = moment.optional().describe('since when the first one waits for a slot');

const poolSchema = z.object({
  pool: z.string().describe('the name of the function, or of the pool'),
  is_shared: z.boolean().describe('whether functions share the pool by name'),
  functions: z.array(
    z.object({
      function: z.string(),
      concurrency: z.int().optional().describe('absent when the flow has a rate alone, or the function has no flow any more'),
      key: z.string().optional().describe('where the key is in the payload'),
      total: z.int().optional(),
      rate: z.object({ limit: z.int(), per: z.string(), burst: z.int().optional() }).optional().describe('attempts that start in a time'),
      running: count,
      waiting,
    }),
  ),
  running: count.describe('the attempts that hold a slot'),
  waiting,
  since,
  keys: z.array(z.object({ key: z.string(), running: count, waiting: count, since })).describe('the keys with the most waits first'),
  is_cut: z.boolean().describe('whether the pool has further keys'),
});
export type PoolView = z.infer<typeof poolSchema>;
export const flowSchema = z.object({ pools: z.array(poolSchema) });
