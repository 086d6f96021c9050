import { Command, InvalidArgumentError, Option } from 'commander';
import { parseDecimal, parseWhole } from '#src/cli/arguments/durations.ts';
import { type PolicyFlags, withPolicyOptions } from '#src/cli/arguments/policy-flags.ts';
import { withDryRun } from '#src/cli/dry-run.ts';
import { type Column, printList, printOne } from '#src/cli/print/output.ts';
import { say } from '#src/cli/texts/say.ts';
import type { SequentClient } from '#src/client/client.ts';
import { InvalidInputError } from '#src/core/errors.ts';
import { aliasOf, promoted, rolledBack, withCanary } from '#src/core/functions/canary.ts';
import { type AliasInput, DEFAULT_MARGIN, type FunctionAlias, type FunctionEntry, MARGINS } from '#src/core/functions/entry.ts';
import { aliasNameOf } from '#src/core/names/names.ts';
import { action, type Call } from '../../call.ts';
import { exitCodes } from '../../problem.ts';
import { withClient } from '../../session.ts';
import { policyFrom } from './definition/settings-flags.ts';
import { dependentsInWords } from './dependents-in-words.ts';

type SetOptions = { description?: string; weight?: Record<string, number> } & CanaryOptions & PolicyFlags;
type CanaryOptions = { canary?: number; auto?: true; promoteAfter?: number; autoMargin?: number };

export function aliasCommand(): Command {
  return new Command('alias')
    .summary('aliases of versions: set, promote, rollback, ls, rm')
    .description('Names for a version of a function, which can be moved to another version.')
    .addCommand(setCommand())
    .addCommand(moveCommand('promote'))
    .addCommand(moveCommand('rollback'))
    .addCommand(listCommand())
    .addCommand(removeCommand());
}

function setCommand(): Command {
  const command = new Command('set')
    .summary('create or move an alias')
    .description(
      'Creates an alias, or moves it to another version. New requests run that version; started invocations keep theirs. Weights, description and policy stay where no option names them.',
    )
    .argument('<function>', 'the name of the function')
    .argument('<alias>', 'the name of the alias')
    .argument('<version>', 'the version of the alias')
    .option('--weight <version=percent>', 'send this share of the requests to another version; 0: none (repeatable)', weightIn)
    .addOption(
      new Option('--canary <percent>', 'keep the version of the alias, and send this share of the requests to the named one')
        .argParser(percentOf)
        .conflicts(['weight', 'description']),
    )
    .option('--auto', 'promote or roll back the canary without a person, when a test that is valid at every look decides')
    .option(
      '--promote-after <count>',
      'with --auto: promote after no fewer ended invocations of the canary (500 by default)',
      parseWhole(20),
    )
    .option(
      '--auto-margin <points>',
      'with --auto: promote once the test excludes that the canary is worse by this many percentage points (1 by default)',
      parseDecimal(MARGINS.min, MARGINS.max),
    )
    .option('--description <text>', 'a description');
  return withDryRun(withPolicyOptions(command)).addHelpText('after', examples).action(action<SetOptions>(set));
}

const examples = `
Examples:
  sequent fn alias set orders prod v1
  sequent fn alias set orders prod v1 --weight v2=10
  sequent fn alias set orders prod v1 --weight v2=0
  sequent fn alias set orders prod v2 --canary 10% --auto
  sequent fn alias set orders prod v2 --canary 10% --auto --promote-after 1000 --auto-margin 0.5
  sequent fn alias set orders prod v1 --max-retries 3 --on-failure FunctionGraph=pager

Exit codes: 0 set, 2 refused (a loop of destinations, weights over 100), 3 no such function or version, 4 the version has another alias.`;

const moves = {
  promote: {
    summary: 'send all requests to the canary',
    text: 'Ends a canary with success: all new requests of the alias run the version that had a weight. Name it if several have one.',
    change: promoted,
  },
  rollback: {
    summary: 'send all requests to the main version again',
    text: 'Ends a canary: all new requests of the alias run its main version, or the named one. Started invocations keep their version.',
    change: rolledBack,
  },
} as const;

function moveCommand(move: keyof typeof moves): Command {
  const { summary, text, change } = moves[move];
  return withDryRun(new Command(move))
    .summary(summary)
    .description(text)
    .argument('<function>', 'the name of the function')
    .argument('<alias>', 'the name of the alias')
    .argument('[version]', 'the version that gets all requests')
    .addHelpText('after', '\nExit codes: 0 moved, 2 no canary, or several, 3 no such function, alias or version.')
    .action(
      action(async (call: Call) => {
        const [name = '', alias = '', version] = call.args;
        return await withClient(call.options, async ({ functions }) => {
          const stored = await functions.changeAlias(name, (present) => change(aliasOf(present, aliasNameOf(alias)), version));
          printOne(call, {
            value: { function: name, ...stored },
            name: `!${stored.name}`,
            lines: () => [`${name}:${describeAlias(stored)}`],
          });
          return exitCodes.ok;
        });
      }),
    );
}

function listCommand(): Command {
  return new Command('ls')
    .alias('list')
    .summary('list the aliases of a function')
    .description('Lists the aliases of a function.')
    .argument('<function>', 'the name of the function')
    .action(action(list));
}

function removeCommand(): Command {
  return withDryRun(new Command('rm'))
    .alias('delete')
    .summary('remove an alias')
    .description('Removes an alias. Its queued invocations fail with the condition FunctionNotFound.')
    .argument('<function>', 'the name of the function')
    .argument('<alias>', 'the name of the alias')
    .action(action(remove));
}

/** Throws commander's error. */
function weightIn(text: string, previous: Record<string, number> = {}): Record<string, number> {
  const [, version, share] = /^([^=]+)=(\d{1,3})$/.exec(text) ?? [];
  if (version === undefined) throw new InvalidArgumentError('Write it as v2=10: a version, and its share in percent.');
  return { ...previous, [version]: Number(share) };
}

/** Throws commander's error. */
function percentOf(text: string): number {
  const [, share] = /^(\d{1,2})\s*%?$/.exec(text) ?? [];
  if (share === undefined || Number(share) === 0) throw new InvalidArgumentError('Write it as 10%: a share from 1 to 99 percent.');
  return Number(share);
}

async function set(call: Call<SetOptions>): Promise<typeof exitCodes.ok> {
  const [name = '', alias = '', version = ''] = call.args;
  const { auto, promoteAfter, autoMargin } = call.options;
  for (const [field, value] of Object.entries({ '--promote-after': promoteAfter, '--auto-margin': autoMargin }))
    if (value !== undefined && auto === undefined) throw new InvalidInputError({ field, problem: 'belongs to --auto' });
  return await withClient(call.options, async (client) => {
    const { definitionOf } = await import('#src/functions/changes.ts');
    const { mergeDefinition } = await import('#src/core/functions/merge-definition.ts');
    const stored = await client.functions.changeAlias(
      name,
      (entry) => {
        const present = entry.aliases.find((one) => one.name === aliasNameOf(alias));
        // A canary leaves the main version as it is, so the own policy of the alias begins as that of the main version.
        const main = call.options.canary === undefined ? version : (present?.version ?? version);
        const policy = present?.policy ?? definitionOf(entry, main).policy;
        const named = policyFrom(call.options, policy);
        return {
          ...aliasAfter(entry, present, call),
          ...(named === undefined ? {} : { policy: mergeDefinition(policy, named) as AliasInput['policy'] }),
        };
      },
      [],
    );
    printOne(call, {
      value: { function: name, ...stored },
      name: `!${stored.name}`,
      lines: () => [`${name}:${describeAlias(stored)}`],
    });
    if (auto === true) await noteDeciders(call, client);
    return exitCodes.ok;
  });
}

/**
 * The alias after a change. What no option names stays, but for the weight of the version that becomes the main one, and for an automatic
 * canary that ends because no weight is left.
 */
function aliasAfter(entry: FunctionEntry, present: FunctionAlias | undefined, { args, options }: Call<SetOptions>): AliasInput {
  const [, name = '', version = ''] = args;
  const { weight, canary, description = present?.description ?? '' } = options;
  const promoteAfter = options.promoteAfter ?? present?.auto?.promoteAfter;
  const margin = options.autoMargin ?? present?.auto?.margin;
  const given = { ...(promoteAfter === undefined ? {} : { promoteAfter }), ...(margin === undefined ? {} : { margin }) };
  const named = options.auto === true ? given : undefined;
  const kept = present?.auto ?? null;
  if (canary !== undefined) return withCanary(aliasOf(entry, aliasNameOf(name)), { version, weight: canary, auto: named ?? kept });
  const weights = weightsFrom({ ...present?.weights, [version]: 0 }, weight);
  const auto = named ?? (Object.keys(weights).length === 0 ? null : kept);
  return { name: aliasNameOf(name), version, weights, description, auto };
}

/** The weights after a change. A version without a weight gets none. */
function weightsFrom(present: Record<string, number>, named: Record<string, number> = {}): Record<string, number> {
  return Object.fromEntries(Object.entries({ ...present, ...named }).filter(([, share]) => share > 0));
}

/** The gateways decide. Without one the canary only goes on. */
async function noteDeciders({ terminal: { err } }: Call, client: SequentClient): Promise<void> {
  const { instances } = await client.system();
  if (instances.some(({ roles }) => roles.includes('gateway'))) return;
  err.line(say('no gateway answers now; the canary is promoted or rolled back once one runs'));
}

const columns: Column<FunctionAlias>[] = [
  { head: 'ALIAS', cell: ({ name }) => `!${name}` },
  { head: 'VERSION', cell: ({ version }) => version },
  {
    head: 'ALSO',
    cell: ({ weights }) =>
      Object.entries(weights)
        .map(([version, share]) => `${version}=${share}%`)
        .join(' '),
  },
  { head: 'ENDS', cell: endOf },
  { head: 'POLICY', cell: ({ policy }) => (policy === undefined ? say('of the version') : say('its own')) },
  { head: 'SET', cell: ({ changedAt }) => new Date(changedAt).toISOString().slice(0, 19) },
  { head: 'DESCRIPTION', cell: ({ description }) => description },
];

/** How the canary ends, or how the latest automatic one ended. */
function endOf({ weights, auto, decision }: FunctionAlias): string {
  if (Object.keys(weights).length > 0) return auto === undefined || auto === null ? say('by hand') : say('by itself');
  if (decision === undefined) return '';
  const { canary } = decision;
  return decision.decision === 'promoted'
    ? say('{canary} was promoted by itself', { canary })
    : say('{canary} was rolled back by itself', { canary });
}

async function list(call: Call): Promise<typeof exitCodes.ok> {
  const [name = ''] = call.args;
  return await withClient(call.options, async ({ functions }) => {
    printList(call, {
      rows: (await functions.get(name)).aliases,
      columns,
      name: (alias) => `!${alias.name}`,
      empty: say('{name} has no alias; try: sequent fn alias set {name} prod latest', { name }),
    });
    return exitCodes.ok;
  });
}

async function remove(call: Call): Promise<typeof exitCodes.ok> {
  const [name = '', alias = ''] = call.args;
  return await withClient(call.options, async (client) => {
    const dependents = await dependentsInWords(client, [{ name, qualifier: `!${aliasNameOf(alias)}` }]);
    await client.functions.deleteAlias(name, aliasNameOf(alias));
    for (const line of dependents) call.terminal.warn(line);
    printOne(call, {
      value: { function: name, removed: `!${aliasNameOf(alias)}` },
      name: `!${aliasNameOf(alias)}`,
      lines: () => [say('removed {name}', { name: `${name}:!${aliasNameOf(alias)}` })],
    });
    return exitCodes.ok;
  });
}

/** Such as `!prod → v1, v2 10 %`. */
export function describeAlias({ name, version, weights, policy, auto }: FunctionAlias): string {
  const shares = Object.entries(weights).map(([other, share]) => `, ${other} ${share} %`);
  const moved = `!${name} → ${version}${shares.join('')}`;
  const alias =
    auto === undefined || auto === null
      ? moved
      : say(
          '{alias}, promoted or rolled back by itself (promoted after {count} invocations or more, once the test excludes that it is worse by {margin} percentage points)',
          { alias: moved, count: auto.promoteAfter, margin: auto.margin ?? DEFAULT_MARGIN },
        );
  return policy === undefined ? alias : say('{alias}, with its own policy', { alias });
}
