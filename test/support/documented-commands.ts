import { readFileSync } from 'node:fs';

/** The examples of a section of a document as one script of a shell. */
export function documentedScript(document: string, heading: string): string {
  const text = readFileSync(new URL(`../../${document}`, import.meta.url), 'utf8');
  const section = text.split(/^(?=#+ )/m).find((part) => part.startsWith(`## ${heading}\n`)) ?? '';
  return [...section.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, lines = '']) => lines).join('');
}

/** The commands in the examples of a section of a document, in their order. Comments are dropped. */
export function documentedLines(document: string, heading: string): string[] {
  return [...documentedScript(document, heading).matchAll(/^(\S.*?)(?: +#.*)?$/gm)].map(([, command = '']) => command);
}

/** The arguments of each `sequent` command in these examples. README runs it in a clone, by `npx`. */
export function documentedCommands(document: string, heading: string): string[][] {
  return documentedLines(document, heading).flatMap((line) => (SEQUENT.test(line) ? [argumentsOf(line.replace(SEQUENT, ''))] : []));
}

/** Splits a command at its spaces. Single quotes keep spaces together. */
export function argumentsOf(command: string): string[] {
  return [...command.matchAll(/'([^']*)'|\S+/g)].map(([argument, quoted]) => quoted ?? argument);
}

const SEQUENT = /^(?:npx )?sequent /;
