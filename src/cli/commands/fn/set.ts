import { Command } from 'commander';
import { parseWhole } from '#src/cli/arguments/durations.ts';
import { withDryRun } from '#src/cli/dry-run.ts';
import { action, type Call } from '../../call.ts';
import { type ExitCode, exitCodes, usageProblem } from '../../problem.ts';
import { withClient } from '../../session.ts';
import { withSettingsOptions } from './function-options.ts';
import { type SettingsFlags, settingsFrom } from './settings-flags.ts';
import { storeFunctions } from './store-functions.ts';

type SetOptions = SettingsFlags & { expect?: number };

export function setCommand(): Command {
  const command = new Command('set')
    .summary('change settings of a function')
    .description('Changes the named settings of a function. Its code, its pause and all other settings stay.')
    .argument('<function>', 'the name of the function');
  return withDryRun(withSettingsOptions(command))
    .option('--expect <revision>', 'only if this is still its revision', parseWhole(1))
    .addHelpText('after', examples)
    .action(action<SetOptions>(set));
}

const examples = `
Examples:
  sequent fn set orders --timeout 60s
  sequent fn set orders --max-retries 3 --on-failure FunctionGraph=pager
  sequent fn set orders --unset flow --unset userData.REGION

Exit codes: 0 stored, 2 no or no valid setting, 3 no such function, 4 another revision (--expect).`;

async function set(call: Call<SetOptions>): Promise<ExitCode> {
  const [name = ''] = call.args;
  return await withClient(call.options, async (client) => {
    const { definition: present } = await client.functions.get(name);
    const named = settingsFrom(name, call.options, present);
    if (Object.keys(named).length === 0)
      throw usageProblem(`"${name}" was not changed`, 'no option names a setting', `sequent fn set ${name} --timeout 60s`);
    await storeFunctions(call, client, [{ definition: { name, ...named } }], { expect: call.options.expect });
    return exitCodes.ok;
  });
}
