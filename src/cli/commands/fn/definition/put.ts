import { Command } from 'commander';
import { parseWhole } from '#src/cli/arguments/durations.ts';
import { withDryRun } from '#src/cli/dry-run.ts';
import { action, type Call } from '../../../call.ts';
import { type ExitCode, exitCodes, usageProblem } from '../../../problem.ts';
import { withClient } from '../../../session.ts';
import { withCodeOptions, withSettingsOptions } from './function-options.ts';
import { type CodeFlags, handlerFrom } from './package-from.ts';
import { isDefinitionFile, readDefinitions } from './read-definitions.ts';
import { type SettingsFlags, settingsFrom } from './settings-flags.ts';
import { layersNamed, presentDefinition, storeFunctions } from './store-functions.ts';

type PutOptions = CodeFlags & SettingsFlags & { replace?: true; expect?: number };

export function putCommand(): Command {
  const command = new Command('put')
    .summary('define or change a function')
    .description(
      'Defines a function, or changes the named fields and keeps all others: from flags, or from a JSON file that holds one definition or a list of them. A paused function stays paused.',
    )
    .argument('<function>', 'the name; or a .json file; or - for JSON on stdin');
  withCodeOptions(command)
    .option('--subject <subject>', 'send the event as a request to a NATS responder on this subject')
    .option('--url <url>', 'POST the event to this address')
    .option('--inline', 'your own worker runs the handler (startWorker of sequent-functions/client)');
  return withDryRun(withSettingsOptions(command))
    .option('--replace', 'replace the whole definition: a field that is not named gets its default')
    .option('--expect <revision>', 'only if this is still its revision; 0: only if it is new', parseWhole(0))
    .addHelpText('after', examples)
    .action(action<PutOptions>(put));
}

const examples = `
Examples:
  sequent fn put hello --file ./hello.mjs --handler handler --timeout 30s --max-retries 2 --concurrency 10
  sequent fn put orders --folder ./orders --handler src/index.handler
  sequent fn put billing:report --file ./report.mjs
  sequent fn put import --file ./import.mjs --max-payload 64MB
  sequent fn put resize --subject images.resize --timeout 5m
  sequent fn put audit --url http://127.0.0.1:3000/audit
  sequent fn put orders --file ./orders.mjs --on-success FunctionGraph=billing --on-failure HTTP=https://ops.example/hook
  sequent fn put orders --file ./orders.mjs --flow-concurrency 1 --flow-key '$.customer' --flow-total 50
  sequent fn put mail --file ./mail.mjs --flow-rate 100/1m
  sequent fn put pages --file ./pages.mjs --flow-concurrency 5 --flow-order priority
  sequent fn put functions.json
  sequent fn get hello --json | jq '.timeoutInMs = 60000' | sequent fn put -

In a JSON file, null removes a field, and a handler or a list is replaced as a whole.
What put recorded is what runs: a later change of the file or the folder has no effect before the next put. Code that cannot be loaded is
refused: a syntax error, an import of nothing, a missing export, another language. See sequent dev, which puts on each save.

Exit codes: 0 stored, 2 not a valid definition or code that cannot be loaded, 4 another revision (--expect).`;

async function put(call: Call<PutOptions>): Promise<ExitCode> {
  const { args, options } = call;
  const [source = ''] = args;
  const { expect, replace: isWhole } = options;
  const read = isDefinitionFile(source) ? await readDefinitions(source, options, call) : undefined;
  return await withClient(options, async (client) => {
    if (read === undefined) {
      const present = isWhole === true ? undefined : await presentDefinition(client, source);
      const layers = await layersNamed(client, source, { references: options.layer, present: present?.handler });
      const code = await handlerFrom(source, options, present?.handler, layers);
      if (code === undefined && present === undefined) {
        const remedy = 'one of --file, --folder, --zip, --subject, --url, --inline; or a .json file';
        throw usageProblem(`"${source}" cannot be defined`, 'no option names its handler', remedy);
      }
      const definition = { name: source, ...(code && { handler: code.handler }), ...settingsFrom(source, options, present) };
      await storeFunctions(call, client, [{ definition, archive: code?.archive }], { expect, isWhole });
    } else await storeFunctions(call, client, read, { expect, isWhole });
    return exitCodes.ok;
  });
}

type SetOptions = SettingsFlags & { expect?: number };

export function setCommand(): Command {
  const command = new Command('set')
    .summary('change settings of a function')
    .description('Changes the named settings of a function. Its code, its pause and all other settings stay.')
    .argument('<function>', 'the name of the function');
  return withDryRun(withSettingsOptions(command))
    .option('--expect <revision>', 'only if this is still its revision', parseWhole(1))
    .addHelpText('after', setExamples)
    .action(action<SetOptions>(set));
}

const setExamples = `
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
