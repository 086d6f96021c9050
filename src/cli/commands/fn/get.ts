import { Command } from 'commander';
import { readFunction } from '#src/cli/arguments/function-argument.ts';
import { flowInWords } from '#src/cli/print/flow-in-words.ts';
import { factLines, printOne } from '#src/cli/print/output.ts';
import { plain } from '#src/cli/print/terminal.ts';
import { say, sayWord } from '#src/cli/texts/say.ts';
import type { Policy, RegisteredFunction } from '#src/core/functions/definition.ts';
import type { FunctionEntry } from '#src/core/functions/entry.ts';
import { whenInWords } from '#src/core/functions/when/when-in-words.ts';
import { formatDuration } from '#src/core/text/format-duration.ts';
import { action, type Call } from '../../call.ts';
import { exitCodes } from '../../problem.ts';
import { withClient } from '../../session.ts';
import { describeAlias } from './alias.ts';
import { describeHandler } from './handler-in-words.ts';

export function getCommand(): Command {
  return new Command('get')
    .summary('show one function')
    .description('Shows one function. The JSON can be edited and stored again: sequent fn get hello --json | sequent fn put -')
    .argument('<function>', 'the name, optionally with a version or an alias: orders:v1, orders:!prod; or with its package: billing:report')
    .action(action(get));
}

async function get(call: Call): Promise<typeof exitCodes.ok> {
  return await withClient(call.options, async ({ functions }) => {
    const { name, qualifier = 'latest' } = await readFunction({ functions }, call.args[0] ?? '');
    const found = await functions.find(name, qualifier);
    const entry = qualifier === 'latest' ? await functions.get(name) : undefined;
    printOne(call, {
      value: { ...found.definition, revision: found.revision },
      name: found.definition.name,
      lines: () => describe(found, entry, call),
    });
    return exitCodes.ok;
  });
}

function sizeRow(name: string, bytes: number | undefined): [string, string][] {
  return bytes === undefined ? [] : [[name, say('{count} bytes', { count: bytes })]];
}

function describe(
  { definition, revision, version }: RegisteredFunction,
  entry: FunctionEntry | undefined,
  { terminal: { out } }: Call,
): string[] {
  const { name, description, handler, timeoutInMs, memoryInMb, concurrency, maxPayloadBytes, maxOutputBytes, policy, userData } =
    definition;
  const { maxAgeInSeconds } = policy;
  const destinations = [
    ...policy.onSuccess.map((target) => [say('on success'), target] as const),
    ...policy.onFailure.map((target) => [say('on failure'), target] as const),
  ];
  const facts: [string, string][] = [
    [
      say('runs'),
      handler.kind === 'process' ? inPackage(say('{export} of {file}', handler), handler) : `${handler.kind}: ${describeHandler(handler)}`,
    ],
    [say('timeout'), formatDuration(timeoutInMs)],
    [say('retries'), retriesInWords(policy)],
    [say('max age'), formatDuration(maxAgeInSeconds * 1_000)],
    [say('at once'), say('{count} in one worker', { count: concurrency })],
    ...(definition.flow === undefined ? [] : [[say('flow'), flowInWords(definition.flow)] as [string, string]]),
    ...(handler.kind === 'process' ? [[say('memory'), say('{size} MB a process', { size: memoryInMb })] as [string, string]] : []),
    ...sizeRow(say('max payload'), maxPayloadBytes),
    ...sizeRow(say('max output'), maxOutputBytes),
    ...Object.keys(definition.secretUserData ?? {}).map((key): [string, string] => [say('user data'), say('{key} is secret', { key })]),
    ...Object.entries(userData).map(([key, value]): [string, string] => [say('user data'), `${key}=${value}`]),
    ...destinations.map(([outcome, { destination, param, when }]): [string, string] => [
      outcome,
      when === undefined
        ? `${destination} ${param}`
        : say('{destination} when {when}', { destination: `${destination} ${param}`, when: whenInWords(when) }),
    ]),
    ...(policy.allowCycle ? [[say('loops'), say('allowed, and cut at run time')] as [string, string]] : []),
    ...(definition.paused
      ? [[sayWord('paused'), say('no attempt starts; to resume: sequent fn resume {name}', { name })] as [string, string]]
      : []),
    ...(entry?.versions ?? []).map((one): [string, string] => [
      say('version'),
      `${one.version}${one.description && `  ${one.description}`}`,
    ]),
    ...(entry?.aliases ?? []).map((alias): [string, string] => [say('alias'), describeAlias(alias)]),
    [say('revision'), String(revision)],
  ];
  return [
    out.paint.bold(version === 'latest' ? name : `${name}:${version}`) + (description === '' ? '' : `  ${plain(description)}`),
    ...factLines(facts, out),
  ];
}

function retriesInWords({ maxRetries: count, backoff }: Policy): string {
  if (count === 0) return sayWord('none');
  const text =
    count === 1
      ? 'at most {count} retry, after {first}, then {factor} times as long, at most {longest}'
      : 'at most {count} retries, after {first}, then {factor} times as long, at most {longest}';
  const { initialInMs, factor, maxInMs } = backoff;
  return say(text, { count, first: formatDuration(initialInMs), factor, longest: formatDuration(maxInMs) });
}

function inPackage(code: string, { package: digest }: { package?: string | undefined }): string {
  return digest === undefined ? code : say('{code}, in package {package}', { code, package: digest.slice(0, 12) });
}
