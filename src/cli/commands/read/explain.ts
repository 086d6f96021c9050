import { Command } from 'commander';
import type { Sentence } from '#src/analysis/explain/sentence.ts';
import { printOne } from '#src/cli/print/output.ts';
import { type OutputStream, plain } from '#src/cli/print/terminal.ts';
import { INVOCATION_ARGUMENT, namedInvocation } from '../../arguments/invocation-argument.ts';
import { action, type Call } from '../../call.ts';
import { exitCodes } from '../../problem.ts';
import { withClient } from '../../session.ts';

type ExplainOptions = { function?: string };

export function explainCommand(): Command {
  return new Command('explain')
    .description('Explains the transitions of an invocation and their reasons, what it waits for now, and what to do.')
    .argument('<id>', INVOCATION_ARGUMENT)
    .option('--function <name>', 'its function, if several functions were invoked with one id: also makes the search faster')
    .addHelpText('after', examples)
    .action(action<ExplainOptions>(explain));
}

const examples = `
Examples:
  sequent explain 0193f0c2-7b1e-8a44-9c1b-2f6f5a1e0000
  sequent explain @40                         the invocation of message 40 of the log
  sequent explain order-4711 --json           sentences with their times and rules

The rules in brackets are those of src/DESIGN.md. Exit codes: 0 found, 3 no such invocation.`;

async function explain(call: Call<ExplainOptions>): Promise<typeof exitCodes.ok> {
  const { args, options } = call;
  return await withClient(options, async (client) => {
    const { id, owner } = await namedInvocation(
      client,
      args[0] ?? '',
      options.function === undefined ? {} : { function: options.function },
    );
    const found = await client.timeline(id, owner);
    const { explain: sentencesOf } = await import('#src/analysis/explain/explain.ts');
    const { surroundingsIfOpen } = await import('../../history/surroundings.ts');
    const sentences = sentencesOf(found, client.clock.now(), await surroundingsIfOpen(client, found));
    if (call.format === 'jsonl') for (const sentence of sentences) call.terminal.out.line(JSON.stringify(sentence));
    else printOne(call, { value: sentences, name: found.requestId, lines: () => sentences.map((one) => line(one, call.terminal.out)) });
    return exitCodes.ok;
  });
}

function line({ text, rule }: Sentence, { paint }: OutputStream): string {
  return rule === undefined ? plain(text) : `${plain(text)} ${paint.dim(`[${rule}]`)}`;
}
