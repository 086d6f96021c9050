import type { DeadLetter, SequentClient } from '#src/client/client.ts';
import type { BulkTexts } from '../../bulk-texts.ts';
import type { Call } from '../../call.ts';
import { type BulkOptions, inBulk } from '../../in-bulk.ts';
import { type ExitCode, exitCodes } from '../../problem.ts';
import { withClient } from '../../session.ts';
import { checkSelection, type DeadLetterFilters, filterOf } from './filters.ts';

export type DeadLetterOptions = DeadLetterFilters & BulkOptions & { all?: true };

type Change = {
  texts: BulkTexts;
  /** `redriven` or `dismissed`: the name in JSON. */
  past: string;
  /** The words behind the name of a delivery that was changed. */
  note: () => string;
  /** The line about one destination of the named invocation. */
  describe(destination: string): string;
  /** Changes the dead deliveries of an invocation, and returns their destinations. */
  perform(repair: SequentClient['repair'], which: { id: string; function?: string; destination?: string }): Promise<readonly string[]>;
};

/** Changes the dead deliveries of the named invocation, or all dead deliveries that match the filters of the command. */
export async function onDeadLetters(call: Call<DeadLetterOptions>, change: Change): Promise<ExitCode> {
  const { args, options } = call;
  const [id] = args;
  const { texts, past } = change;
  checkSelection(call, past);
  return await withClient(options, async ({ repair }) => {
    if (id !== undefined && !options.dryRun) return await onOne(call, change, { repair, id });
    const dead = (await repair.deadLetters(filterOf(options))).filter(({ requestId }) => id === undefined || requestId === id);
    return await inBulk<DeadLetter>(call, {
      items: dead,
      texts,
      nameOf: ({ requestId, destination }) => `${requestId} ${destination}`,
      toJson: ({ requestId, destination, function: name }) => ({ requestId, destination, function: name }),
      perform: async ({ requestId, destination, function: name }) => {
        await change.perform(repair, { id: requestId, function: name, destination });
        return { note: change.note(), json: { [past]: true } };
      },
    });
  });
}

type One = Pick<SequentClient, 'repair'> & { id: string };

async function onOne(call: Call<DeadLetterOptions>, { past, describe, perform }: Change, { repair, id }: One): Promise<ExitCode> {
  const { function: name, destination } = call.options;
  const which = { id, ...(name === undefined ? {} : { function: name }), ...(destination === undefined ? {} : { destination }) };
  printDestinations(call, { id, past, describe, destinations: await perform(repair, which) });
  return exitCodes.ok;
}

type Printed = Pick<Change, 'past' | 'describe'> & { id: string; destinations: readonly string[] };

/** Prints the destinations of an invocation whose deliveries a command changed. `past` is the name of the list in JSON. */
export function printDestinations(
  { terminal, format }: Pick<Call, 'terminal' | 'format'>,
  { id, past, describe, destinations }: Printed,
): void {
  if (format === 'json' || format === 'jsonl') terminal.out.line(JSON.stringify({ requestId: id, [past]: destinations }));
  else for (const one of destinations) terminal.out.line(format === 'name' ? one : describe(one));
}
