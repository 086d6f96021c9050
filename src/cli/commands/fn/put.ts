import { Command, Option } from 'commander';
import { parseDuration, parseWhole } from '#src/cli/arguments/durations.ts';
import { collect, withPolicyOptions } from '#src/cli/arguments/policy-flags.ts';
import { parseFlowRate } from '#src/cli/arguments/rate.ts';
import { parseSize } from '#src/cli/arguments/size.ts';
import { say } from '#src/cli/texts/say.ts';
import type { RegisteredFunction } from '#src/core/functions/definition.ts';
import { action, type Call } from '../../call.ts';
import { type ExitCode, exitCodes } from '../../problem.ts';
import { withClient } from '../../session.ts';
import { type DefinitionFlags, type Deployment, definitionFromFlags } from './definition-from-flags.ts';
import { isDefinitionFile, readDefinitions } from './read-definitions.ts';

type PutOptions = DefinitionFlags & { expect?: number };

export function putCommand(): Command {
  const command = new Command('put')
    .summary('define or change a function')
    .description(
      'Defines a function or replaces its definition: from flags, or from a JSON file that holds one definition or a list of them.',
    )
    .argument('<function>', 'the name; or a .json file; or - for JSON on stdin')
    .option('--file <path>', 'run this JavaScript or TypeScript module: Sequent stores it with the files and packages that it imports')
    .option('--folder <path>', 'run the code of this folder: Sequent stores it, and every worker and version gets it')
    .option('--zip <path>', 'run the code of this zip archive, like --folder')
    .option('--handler <export>', 'the exported function (default: handler); of a package with its file (default: index.handler)')
    .option('--initializer <export>', 'an exported function that runs once in each process')
    .option('--subject <subject>', 'send the event as a request to a NATS responder on this subject')
    .option('--url <url>', 'POST the event to this address')
    .option('--inline', 'your own worker runs the handler (startWorker of sequent/client)')
    .option('--description <text>', 'a description')
    .option('--timeout <duration>', 'how long one attempt may take (default: 30s)', parseDuration)
    .option('--memory <mb>', 'the memory limit of one process (default: 256)', parseWhole(1))
    .option('--concurrency <count>', 'concurrent executions per worker (default: 20)', parseWhole(1))
    .option('--max-payload <size>', 'the largest event and returned value, at most 64MB (default: 256KB)', parseSize)
    .option('--max-output <size>', 'how much of the output of each attempt is kept, at most 4MB (default: 4KB)', parseSize)
    .option(
      '--flow-concurrency <count>',
      'attempts at one moment over all workers: of each key with --flow-key, else of all',
      parseWhole(1, 1_000),
    )
    .option('--flow-rate <rate>', 'starts in a time over all workers: 100/1s, or 100/1m:20 with a burst of 20', parseFlowRate)
    .option('--flow-key <path>', 'where the key is in the event: $.customer; the key of a request has precedence (invoke --flow-key)')
    .option('--flow-total <count>', 'with --flow-key: attempts of all keys together', parseWhole(1, 1_000))
    .option('--flow-pool <name>', 'share the slots with the functions of the same pool')
    .option('--flow-debounce-wait <duration>', 'requests of a key run once, when none came for this time: 5s; needs --flow-debounce-keep')
    .option(
      '--flow-debounce-max-wait <duration>',
      'with --flow-debounce-wait: the longest time after the first request (default: 10 waits)',
    )
    .addOption(
      new Option('--flow-debounce-keep <which>', 'with --flow-debounce-wait: the last request runs, or all run together').choices([
        'last',
        'all',
      ]),
    )
    .addOption(
      new Option(
        '--flow-order <order>',
        'fifo: the requests of a key start one after another, in their order; priority: the most urgent one that waits starts first',
      ).choices(['fifo', 'priority']),
    )
    .option('--flow-aging <duration>', 'with --flow-order priority: each level puts a request ahead by this time (default: 1m)')
    .addOption(
      new Option(
        '--flow-on-retry <what>',
        'with --flow-order fifo: a failed attempt holds its key until its outcome, or others pass',
      ).choices(['hold', 'pass']),
    )
    .option('--user-data <key=value>', 'a value for context.getUserData(key) (repeatable)', collect);
  return withPolicyOptions(command)
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

What put recorded is what runs: a later change of the file or the folder has no effect before the next put. Code that cannot be loaded is
refused: a syntax error, an import of nothing, a missing export, another language. See sequent dev, which puts on each save.

Exit codes: 0 stored, 2 not a valid definition or code that cannot be loaded, 4 another revision (--expect).`;

async function put(call: Call<PutOptions>): Promise<ExitCode> {
  const { args, options } = call;
  const source = args[0] ?? '';
  const deployments: Deployment[] = isDefinitionFile(source)
    ? await readDefinitions(source, options, call)
    : [await definitionFromFlags(source, options)];
  const { parseDefinition } = await import('#src/functions/registry.ts');
  const { projectOf } = await import('#src/core/names/addressable.ts');
  // All must be valid before the first one is stored.
  const parsed = deployments.map(({ definition, archive }) => ({ definition: parseDefinition(definition), archive }));
  return await withClient(options, async ({ functions, packages }) => {
    for (const { definition, archive } of parsed) {
      if (archive !== undefined) await packages.put(archive, projectOf(definition.name));
      print(call, await functions.put(definition, options.expect));
    }
    return exitCodes.ok;
  });
}

function print({ terminal: { out }, format }: Call, { definition, revision }: RegisteredFunction): void {
  if (format === 'name') out.line(definition.name);
  else if (format === 'table') out.line(say('{name} is defined, revision {revision}', { name: definition.name, revision }));
  else out.line(JSON.stringify({ ...definition, revision }, null, format === 'json' ? 2 : 0));
}
