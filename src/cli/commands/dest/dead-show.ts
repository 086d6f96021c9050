import { Command } from 'commander';
import type { DeliveryFact } from '#machines/facts.ts';
import { describeFact } from '#src/cli/print/facts-in-words.ts';
import { type OutputStream, padEnd, plain } from '#src/cli/print/terminal.ts';
import { say } from '#src/cli/texts/say.ts';
import type { DeadLetter, Timeline } from '#src/client/client.ts';
import { action, type Call } from '../../call.ts';
import { type ExitCode, exitCodes } from '../../problem.ts';
import { withClient } from '../../session.ts';

type ShowOptions = { function?: string; destination?: string };

/** A delivery that was given up, with its facts and its envelope. */
type Shown = {
  requestId: string;
  function: string;
  destination: { id: string; destination: string; param: string };
  reason: string;
  tries: DeliveryFact[];
  envelope: Timeline['envelope'];
};

export function deadShowCommand(): Command {
  return new Command('show')
    .summary('show the dead deliveries of one invocation')
    .description('Shows the deliveries of an invocation that were given up: the target, every try with its reason, and the envelope.')
    .argument('<id>', 'the request id')
    .option('--function <name>', 'its function, if several functions were invoked with one id')
    .option('--destination <id>', 'only the delivery to this destination')
    .addHelpText('after', '\nExit codes: 0 shown, 1 none of its deliveries is dead, 3 no such invocation.')
    .action(action<ShowOptions>(show));
}

async function show(call: Call<ShowOptions>): Promise<ExitCode> {
  const { args, options, terminal, format } = call;
  const id = args[0] ?? '';
  return await withClient(options, async (client) => {
    const timeline = await client.timeline(id, options.function === undefined ? {} : { function: options.function });
    const dead = (await client.repair.deadLetters({ destination: options.destination })).filter(
      (one) => one.requestId === id && one.function === timeline.function,
    );
    const shown = dead.map((letter) => details(letter, timeline));
    print({ format, terminal }, shown);
    if (shown.length > 0) return exitCodes.ok;
    terminal.err.line(say('no delivery of {id} is dead', { id: plain(id) }));
    return exitCodes.failed;
  });
}

function print({ format, terminal: { out } }: Pick<Call, 'format' | 'terminal'>, shown: readonly Shown[]): void {
  if (format === 'json') return out.line(JSON.stringify(shown, null, 2));
  for (const one of shown) {
    if (format === 'jsonl') out.line(JSON.stringify(one));
    else if (format === 'name') out.line(one.destination.id);
    else for (const line of describe(one, out)) out.line(line);
  }
}

function details({ requestId, function: name, destination: id, reason }: DeadLetter, { transitions, envelope }: Timeline): Shown {
  const facts = transitions.map(({ fact }) => fact);
  const known = facts.flatMap((fact) => ('destinations' in fact ? (fact.destinations ?? []) : [])).find((one) => one.id === id);
  const tries = facts.filter((fact): fact is DeliveryFact => 'destination' in fact && fact.destination === id);
  return { requestId, function: name, destination: known ?? { id, destination: '', param: '' }, reason, tries, envelope };
}

function describe({ requestId, function: name, destination, reason, tries, envelope }: Shown, { paint }: OutputStream): string[] {
  return [
    `${paint.bold(plain(`${name}  ${requestId}  ${destination.id}`))}  ${paint.red(plain(reason))}`,
    `  ${paint.dim(padEnd(say('to'), 8))}${plain(`${destination.destination} ${destination.param}`)}`,
    ...tries.map((fact) => `  ${paint.dim(new Date(fact.at).toISOString())}  ${describeFact(fact)}`),
    `  ${paint.dim(padEnd(say('sends'), 8))}${plain(JSON.stringify(envelope))}`,
    `  ${paint.dim(padEnd(say('again'), 8))}sequent dest dead redrive ${plain(`${requestId} --destination ${destination.id}`)}`,
  ];
}
