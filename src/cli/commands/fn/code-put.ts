import { Command } from 'commander';
import { withDryRun } from '#src/cli/dry-run.ts';
import { action, type Call } from '../../call.ts';
import { type ExitCode, exitCodes, usageProblem } from '../../problem.ts';
import { withClient } from '../../session.ts';
import { type CodeFlags, handlerFrom } from './code-flags.ts';
import { withCodeOptions } from './function-options.ts';
import { storeFunctions } from './store-functions.ts';

export function codePutCommand(): Command {
  const command = new Command('put')
    .summary('replace the code of a function')
    .description('Replaces the code of a function. Its pause and all its settings stay.')
    .argument('<function>', 'the name of the function');
  return withDryRun(withCodeOptions(command)).addHelpText('after', examples).action(action<CodeFlags>(putCode));
}

const examples = `
Examples:
  sequent fn code put orders --file ./orders-2.mjs
  sequent fn code put orders --folder ./orders

Exit codes: 0 stored, 2 code that cannot be loaded, 3 no such function.`;

async function putCode(call: Call<CodeFlags>): Promise<ExitCode> {
  const [name = ''] = call.args;
  return await withClient(call.options, async (client) => {
    const { definition: present } = await client.functions.get(name);
    const code = await handlerFrom(name, call.options, present.handler);
    if (code === undefined)
      throw usageProblem(`the code of ${name} was not replaced`, 'no option names the code', 'one of --file, --folder, --zip');
    await storeFunctions(call, client, [{ definition: { name, handler: code.handler }, archive: code.archive }]);
    return exitCodes.ok;
  });
}
