import { Command } from 'commander';
import { readPayload } from '#src/cli/arguments/payload.ts';
import { withDryRun } from '#src/cli/dry-run.ts';
import { type Column, printList, printOne } from '#src/cli/print/output.ts';
import { cut } from '#src/cli/print/terminal.ts';
import { say } from '#src/cli/texts/say.ts';
import type { SequentClient } from '#src/client/client.ts';
import { compactJson } from '#src/core/json/json-parts.ts';
import type { TestEvent } from '#src/functions/test-events.ts';
import { action, type Call } from '../../call.ts';
import { CommandError, type ExitCode, exitCodes } from '../../problem.ts';
import { withClient } from '../../session.ts';

type PutOptions = { event?: string };

export function eventCommand(): Command {
  return new Command('event')
    .summary('test events: put, ls, get, rm')
    .description('Saved events with which people try a function. Everybody who may read the function sees them, also in the pages.')
    .addCommand(putCommand())
    .addCommand(listCommand())
    .addCommand(getCommand())
    .addCommand(removeCommand());
}

/** A command about one test event of a function. */
function commandOfEvent(name: string): Command {
  return new Command(name).argument('<function>', 'the name of the function').argument('<name>', 'the name of the test event');
}

function putCommand(): Command {
  return withDryRun(commandOfEvent('put'))
    .summary('save a test event')
    .description('Saves an event by a name, or replaces the saved one.')
    .option('-d, --event <json>', 'the event: JSON text, @file, or - for stdin (a pipe is read without -)')
    .addHelpText('after', examples)
    .action(action<PutOptions>(put));
}

const examples = `
Examples:
  sequent fn event put orders large -d @large-order.json
  sequent invoke orders --test-event large --wait

Exit codes: 0 saved, 2 not JSON, or too large, 3 no such function.`;

async function put(call: Call<PutOptions>): Promise<ExitCode> {
  const [name = '', event = ''] = call.args;
  const text = await readPayload(call.options.event, call);
  return await withClient(call.options, async ({ functions }) => {
    await functions.get(name);
    const saved = await functions.testEvents.put(name, { name: event, text });
    printOne(call, {
      value: { function: name, ...saved },
      name: event,
      lines: () => [say('the test event {event} of {name} is saved', { event, name })],
    });
    return exitCodes.ok;
  });
}

const columns: Column<TestEvent>[] = [
  { head: 'NAME', cell: ({ name }) => name },
  { head: 'SAVED', cell: ({ changedAt }) => new Date(changedAt).toISOString().slice(0, 19) },
  { head: 'EVENT', cell: ({ text }) => cut(compactJson(text), 100) },
];

function listCommand(): Command {
  return new Command('ls')
    .alias('list')
    .summary('list the test events of a function')
    .description('Lists the test events of a function.')
    .argument('<function>', 'the name of the function')
    .action(
      action(async (call: Call) => {
        const [name = ''] = call.args;
        return await withClient(call.options, async ({ functions }) => {
          await functions.get(name);
          printList(call, {
            rows: await functions.testEvents.list(name),
            columns,
            name: (event) => event.name,
            empty: say("no test event is saved; to save one: sequent fn event put {name} first -d '{}'", { name }),
          });
          return exitCodes.ok;
        });
      }),
    );
}

function getCommand(): Command {
  return commandOfEvent('get')
    .summary('print a test event')
    .description('Prints a test event as it was saved.')
    .action(
      action(async (call: Call) => {
        const [name = '', event = ''] = call.args;
        return await withClient(call.options, async ({ functions }) => {
          const found = await findTestEvent(functions, name, event);
          printOne(call, { value: { function: name, ...found }, name: event, lines: () => [found.text] });
          return exitCodes.ok;
        });
      }),
    );
}

function removeCommand(): Command {
  return withDryRun(commandOfEvent('rm'))
    .alias('delete')
    .summary('remove a test event')
    .description('Removes a test event.')
    .action(
      action(async (call: Call) => {
        const [name = '', event = ''] = call.args;
        return await withClient(call.options, async ({ functions }) => {
          await findTestEvent(functions, name, event);
          await functions.testEvents.delete(name, event);
          printOne(call, {
            value: { removed: event },
            name: event,
            lines: () => [say('removed the test event {event} of {name}', { event, name })],
          });
          return exitCodes.ok;
        });
      }),
    );
}

/** A saved test event of a function. Throws `FunctionNotFoundError`, and `CommandError` when the function has no event of this name. */
export async function findTestEvent(functions: SequentClient['functions'], name: string, event: string): Promise<TestEvent> {
  await functions.get(name);
  const all = await functions.testEvents.list(name);
  const found = all.find((one) => one.name === event);
  if (found !== undefined) return found;
  const why = all.length === 0 ? `${name} has no test event` : `${name} has ${all.map((one) => one.name).join(', ')}`;
  throw new CommandError({
    code: 'TEST_EVENT_NOT_FOUND',
    exitCode: exitCodes.notFound,
    what: `no test event "${event}"`,
    why,
    remedy: `sequent fn event put ${name} ${event} -d '{}'`,
  });
}
