import { Command } from 'commander';
import { withDryRun } from '#src/cli/dry-run.ts';
import { type Column, printList, printOne } from '#src/cli/print/output.ts';
import { say } from '#src/cli/texts/say.ts';
import type { ConnectionsAnswer, ConnectionsControl } from '#src/core/ports/questions/connections-control.ts';
import { action, type Call, type GlobalOptions } from '../call.ts';
import { CommandError, type ExitCode, exitCodes } from '../problem.ts';
import { withClient } from '../session.ts';

export function connectionsCommand(): Command {
  return new Command('connections')
    .alias('connection')
    .description('The named connections of the destinations: endpoints and credentials in the file of --connections. No secret is shown.')
    .addCommand(
      new Command('ls')
        .alias('list')
        .summary('list the connections of each destinations role')
        .description('Lists the connections that each destinations role uses now, with their file.')
        .action(action(list)),
    )
    .addCommand(
      withDryRun(new Command('reload'))
        .summary('read the file of the connections again, now')
        .description(
          'Reads the file again in each destinations role. A changed file is in use after two seconds also without this command.',
        )
        .addHelpText('after', '\nExit codes: 0 in use, 1 a file cannot be used and the content before stays, 3 no destinations role runs.')
        .action(action(reload)),
    )
    .addCommand(
      new Command('test')
        .summary('send a test envelope by a connection')
        .description('Sends a test envelope by a connection, as a delivery would, and says why it did not arrive.')
        .argument('<name>', 'the name of the connection')
        .argument('<target>', 'http: a URL; obs: a bucket; smn: a topic URN; dis: a stream')
        .addHelpText('after', examples)
        .action(action(test)),
    );
}

const examples = `
Examples:
  sequent connections test http https://hooks.example.com/outcomes
  sequent connections test obs failures

Exit codes: 0 delivered, 1 not delivered, 3 no destinations role runs.`;

type Row = { process: string; file: string | null; name: string; kind: string };

const columns: Column<Row>[] = [
  { head: 'NAME', cell: ({ name }) => name },
  { head: 'KIND', cell: ({ kind }) => kind },
  { head: 'FILE', cell: ({ file }) => file ?? '' },
  { head: 'PROCESS', cell: ({ process }) => process },
];

/** Throws `CommandError` when no destinations role answers. */
async function withAnswers<Value>(
  options: GlobalOptions,
  what: 'list' | 'reload',
  work: (answers: ConnectionsAnswer[], control: ConnectionsControl) => Promise<Value> | Value,
): Promise<Value> {
  return await withClient(options, async ({ connection }) => {
    const { createNatsConnectionsControl } = await import('#src/nats/questions/connections-control.ts');
    const control = createNatsConnectionsControl(connection);
    const answers = await control.ask({ do: what });
    if (answers.length > 0) return await work(answers, control);
    throw new CommandError({
      code: 'NO_DESTINATIONS',
      exitCode: exitCodes.notFound,
      what: 'no destinations role answers',
      why: 'only that role holds connections, and none runs on this server',
      remedy: 'sequent serve --role destinations --connections <file>',
    });
  });
}

async function list(call: Call): Promise<ExitCode> {
  return await withAnswers(call.options, 'list', (answers) => {
    const rows = answers.flatMap(({ process, file, connections }) => connections.map((one) => ({ process, file, ...one })));
    const empty = say('no connection is in a file; HTTP destinations use the default connection "http"');
    printList(call, { rows, columns, name: ({ name }) => name, toJson: (row) => row, empty });
    return exitCodes.ok;
  });
}

async function reload(call: Call): Promise<ExitCode> {
  return await withAnswers(call.options, 'reload', (answers) => {
    const failed = answers.filter(({ problem }) => problem !== undefined);
    if (failed.length > 0)
      throw new CommandError({
        code: 'CONNECTIONS_NOT_READ',
        exitCode: exitCodes.failed,
        what: 'the connections were not read again',
        why: failed.map(({ process, problem = '' }) => say('{process}: {problem}', { process, problem })).join('\n'),
        remedy: 'correct the file, then sequent connections reload',
      });
    const value = answers.map(({ process, file, connections }) => ({ process, file, connections: connections.length }));
    const lines = () =>
      value.map(({ process, file, connections: count }) =>
        say('{process}: {count} connections of {file} are in use', { process, count, file: file ?? '' }),
      );
    printOne(call, { value, name: value.map(({ process }) => process).join('\n'), lines });
    return exitCodes.ok;
  });
}

async function test(call: Call): Promise<ExitCode> {
  const [name = '', target = ''] = call.args;
  return await withAnswers(call.options, 'list', async ([first], control) => {
    const process = first?.process ?? '';
    const [answer] = await control.ask({ do: 'test', process, name, target });
    const problem = answer === undefined ? say('{process} did not answer', { process }) : answer.problem;
    if (problem !== undefined)
      throw new CommandError({
        code: 'NOT_DELIVERED',
        exitCode: exitCodes.failed,
        what: 'the test envelope was not delivered',
        why: problem,
        remedy: 'the target, and the connection: sequent connections ls',
      });
    printOne(call, {
      value: { connection: name, target, delivered: true },
      name: target,
      lines: () => [say('delivered to {target} by connection "{name}"', { target, name })],
    });
    return exitCodes.ok;
  });
}
