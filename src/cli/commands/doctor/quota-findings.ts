import { say } from '#src/cli/texts/say.ts';
import type { Examined } from './examined.ts';
import type { Finding } from './finding.ts';

/** One line for each project that has as many open invocations as its quota allows. The others share one line. */
export function judgeQuotas({ quotas = [] }: Examined): Finding[] {
  const full = quotas.filter(({ open, limit }) => open >= limit);
  const found = full.map(({ project, open, limit }): Finding => {
    const name = project ?? say('the own project');
    return {
      level: 'problem',
      check: say('quota of {name}', { name }),
      seen: say('{open} invocations are open; the quota is {limit}, so its requests over HTTP are refused', { open, limit }),
      remedy: say('sequent ls --state queued,retrying shows what is open; sequent project quota changes the quota'),
    };
  });
  const well = quotas.length - full.length;
  if (well === 0) return found;
  const seen =
    well === 1
      ? say('1 quota of open invocations is not reached')
      : say('{count} quotas of open invocations are not reached', { count: well });
  return [{ level: 'ok', check: say('quotas'), seen }, ...found];
}
