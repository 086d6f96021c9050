import { z } from 'zod';
import { parseDuration } from './parse-duration.ts';

/** A text that is a duration within bounds. The bounds, and the examples of the refusal, are texts of durations too. */
export function durationSchema({ from, to, examples }: { from: string; to: string; examples: string }) {
  const [least = 0, most = 0] = [from, to].map(parseDuration);
  return z.string().refine((text) => {
    const ms = parseDuration(text);
    return ms !== undefined && ms >= least && ms <= most;
  }, `must be a duration from ${from} to ${to}, such as ${examples}`);
}
