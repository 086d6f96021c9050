import { Command } from 'commander';
import type { Wait } from '#src/analysis/explain/queue-waits.ts';
import type { AsOf } from '#src/analysis/history.ts';
import { parseAsOf } from '#src/cli/arguments/moment.ts';
import { printOne } from '#src/cli/print/output.ts';
import { drawTimeline } from '#src/cli/print/timeline-picture.ts';
import type { SequentClient, Timeline } from '#src/client/client.ts';
import { INVOCATION_ARGUMENT, namedInvocation } from '../../arguments/invocation-argument.ts';
import { action, type Call } from '../../call.ts';
import { exitCodes } from '../../problem.ts';
import { withClient } from '../../session.ts';

type TimelineOptions = { function?: string; at?: AsOf };

export function timelineCommand(): Command {
  return new Command('timeline')
    .description('Draws the attempts and waits of an invocation on one scale, then lists every transition with its reason.')
    .argument('<id>', INVOCATION_ARGUMENT)
    .option('--function <name>', 'its function, if several functions were invoked with one id: also makes the search faster')
    .option('--at <moment>', 'the state at an earlier moment: a sequence of the log, a time, or a duration ago', parseAsOf)
    .addHelpText('after', examples)
    .action(action<TimelineOptions>(timeline));
}

const examples = `
Examples:
  sequent timeline 0193f0c2-7b1e-8a44-9c1b-2f6f5a1e0000
  sequent timeline order-4711 --json          all facts of the log
  sequent timeline order-4711 -o jsonl        one transition per line, with the state after it
  sequent timeline order-4711 -o name         its state
  sequent timeline order-4711 --at 4120       after that message of the log
  sequent timeline order-4711 --at 10m --json with the state of its machine ten minutes ago

Exit codes: 0 found, 3 no such invocation.`;

async function timeline(call: Call<TimelineOptions>): Promise<typeof exitCodes.ok> {
  const { options, terminal, format } = call;
  return await withClient(options, async (client) => {
    const { id, owner } = await namedInvocation(
      client,
      call.args[0] ?? '',
      options.function === undefined ? {} : { function: options.function },
    );
    const whole = await client.timeline(id, owner);
    const { timeline: found, now, wait } = options.at === undefined ? await presentOf(client, whole) : await cutAt(whole, options.at);
    const transitions = await withStates(found);
    if (format === 'jsonl') {
      for (const transition of transitions) terminal.out.line(JSON.stringify(transition));
      return exitCodes.ok;
    }
    const lines = () => drawTimeline(found, terminal.out, now, wait);
    printOne(call, { value: { ...found, transitions, wait }, name: found.state, lines });
    return exitCodes.ok;
  });
}

type Drawn = { timeline: Timeline; now: number; wait: Wait | undefined };

/** The whole timeline, and why the invocation waits now. */
async function presentOf(client: SequentClient, timeline: Timeline): Promise<Drawn> {
  const { momentsOf } = await import('#src/analysis/history.ts');
  const { whyWaiting } = await import('#src/analysis/explain/why-waiting.ts');
  const { surroundingsIfOpen } = await import('../../history/surroundings.ts');
  const now = client.clock.now();
  return { timeline, now, wait: whyWaiting(momentsOf(timeline), now, await surroundingsIfOpen(client, timeline)) };
}

/** Every transition with the state of the machine after it. */
async function withStates({ transitions }: Timeline): Promise<object[]> {
  const { momentsOf } = await import('#src/analysis/history.ts');
  const { plainOf } = await import('#src/analysis/diff.ts');
  return momentsOf({ transitions }).map(({ sequence, by, fact, after }) => {
    const { value: state, context } = plainOf(after);
    return { sequence, by, fact, state, context };
  });
}

async function cutAt(whole: Timeline, asOf: AsOf): Promise<Drawn> {
  const { timelineAt, drawnAt } = await import('../../history/timeline-at.ts');
  const timeline = timelineAt(whole, asOf);
  return { timeline, now: drawnAt(timeline), wait: undefined };
}
