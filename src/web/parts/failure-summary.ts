import { fill } from '#src/core/text/language.ts';
import { type Text, translated } from '../shell/language.ts';

/** The host puts these words before the message of every error that a function throws. Short texts leave them out. */
const PREFIX = 'function invocation exception, error: ';

/** Messages that Sequent itself writes into the log, in English. The texts of functions and of other services have no translation. */
const ownMessages: readonly (readonly [RegExp, Text])[] = [
  [/^function invocation timed out after (?<ms>\d+) ms$/, 'function invocation timed out after {ms} ms'],
  [/^function initialization timed out after (?<ms>\d+) ms$/, 'function initialization timed out after {ms} ms'],
  [/^function load timed out after (?<ms>\d+) ms$/, 'function load timed out after {ms} ms'],
  [/^function invocation exception, error: (?<reason>.*)$/s, 'function invocation exception, error: {reason}'],
  [/^function initialization exception: (?<reason>.*)$/s, 'function initialization exception: {reason}'],
  [
    /^runtime memory limit exceeded: the function may use (?<memory>\d+) MB$/,
    'runtime memory limit exceeded: the function may use {memory} MB',
  ],
  [/^function "(?<name>[^"]+)" does not exist$/, 'function "{name}" does not exist'],
  [/^(?<target>\S+) answered (?<answer>\d{3}\b.*)$/, '{target} answered {answer}'],
  [/^(?<target>\S+) did not answer within (?<ms>\d+) ms$/, '{target} did not answer within {ms} ms'],
  [/^(?<target>\S+) cannot be reached \((?<reason>.*)\)$/, '{target} cannot be reached ({reason})'],
];

/** The message of a failure without the words that all of them share, in the language of the page. */
export function failureSummary(message: string): string {
  return messageText(message.replace(PREFIX, ''));
}

/** A message of Sequent in the language of the page; every other message as it is. The type of an error may stand before it. */
export function messageText(message: string): string {
  const [, type = '', own = ''] = /^([A-Z]\w*: )?(.*)$/s.exec(message) ?? [];
  for (const [pattern, text] of ownMessages) {
    const found = pattern.exec(own);
    if (found !== null) return type + fill(translated(text), found.groups ?? {});
  }
  return message;
}
