import { Command } from 'commander';
import { readFunction } from '#src/cli/arguments/function-argument.ts';
import { plural } from '#src/cli/print/format.ts';
import { printOne } from '#src/cli/print/output.ts';
import { cut, plain } from '#src/cli/print/terminal.ts';
import type { RegisteredFunction } from '#src/core/functions/definition.ts';
import type { FunctionEntry } from '#src/core/functions/entry.ts';
import { flowInWords } from '#src/core/functions/flow-in-words.ts';
import { whenInWords } from '#src/core/functions/when-in-words.ts';
import { formatDuration } from '#src/core/text/format-duration.ts';
import { action, type Call } from '../../call.ts';
import { exitCodes } from '../../problem.ts';
import { withClient } from '../../session.ts';
import { describeAlias } from './alias-in-words.ts';
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
  return bytes === undefined ? [] : [[name, `${bytes} bytes`]];
}

function describe(
  { definition, revision, version }: RegisteredFunction,
  entry: FunctionEntry | undefined,
  { terminal: { out } }: Call,
): string[] {
  const { name, description, handler, timeoutInMs, memoryInMb, concurrency, maxPayloadBytes, maxOutputBytes, policy, userData } =
    definition;
  const { backoff, maxRetries, maxAgeInSeconds } = policy;
  const retries = `at most ${plural(maxRetries, 'retry', 'retries')}, after ${formatDuration(backoff.initialInMs)}, then ${backoff.factor} times as long, at most ${formatDuration(backoff.maxInMs)}`;
  const destinations = [
    ...policy.onSuccess.map((target) => ['success', target] as const),
    ...policy.onFailure.map((target) => ['failure', target] as const),
  ];
  const facts: [string, string][] = [
    [
      'runs',
      handler.kind === 'process'
        ? `${handler.export} of ${handler.file}${packageInWords(handler)}`
        : `${handler.kind}: ${describeHandler(handler)}`,
    ],
    ['timeout', formatDuration(timeoutInMs)],
    ['retries', maxRetries === 0 ? 'none' : retries],
    ['max age', formatDuration(maxAgeInSeconds * 1_000)],
    ['at once', `${concurrency} in one worker`],
    ...(definition.flow === undefined ? [] : [['flow', flowInWords(definition.flow)] as [string, string]]),
    ...(handler.kind === 'process' ? [['memory', `${memoryInMb} MB a process`] as [string, string]] : []),
    ...sizeRow('max payload', maxPayloadBytes),
    ...sizeRow('max output', maxOutputBytes),
    ...Object.keys(definition.secretUserData ?? {}).map((key): [string, string] => ['user data', `${key} is secret`]),
    ...Object.entries(userData).map(([key, value]): [string, string] => ['user data', `${key}=${value}`]),
    ...destinations.map(([outcome, { destination, param, when }]): [string, string] => [
      `on ${outcome}`,
      `${destination} ${param}${when === undefined ? '' : ` when ${whenInWords(when)}`}`,
    ]),
    ...(policy.allowCycle ? [['loops', 'allowed, and cut at run time'] as [string, string]] : []),
    ...(definition.paused ? [['paused', `no attempt starts; to resume: sequent fn resume ${name}`] as [string, string]] : []),
    ...(entry?.versions ?? []).map((one): [string, string] => ['version', `${one.version}${one.description && `  ${one.description}`}`]),
    ...(entry?.aliases ?? []).map((alias): [string, string] => ['alias', describeAlias(alias)]),
    ['revision', String(revision)],
  ];
  const width = Math.max(...facts.map(([label]) => label.length));
  return [
    out.paint.bold(version === 'latest' ? name : `${name}:${version}`) + (description === '' ? '' : `  ${plain(description)}`),
    ...facts.map(
      ([label, value]) =>
        `  ${out.paint.dim(label.padEnd(width))}  ${fit(plain(value), out.isTty ? out.columns - width - 4 : Number.POSITIVE_INFINITY)}`,
    ),
  ];
}

function packageInWords({ package: digest }: { package?: string | undefined }): string {
  return digest === undefined ? '' : `, in package ${digest.slice(0, 12)}`;
}

const fit = (text: string, width: number): string => cut(text, width);
