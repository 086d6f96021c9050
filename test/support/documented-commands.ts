import { readFileSync } from 'node:fs';

/**
 * The arguments of each `npx sequent` command in the examples of a section of a document, in their order. Comments are dropped.
 *
 * A command of these examples quotes no argument.
 */
export function documentedCommands(document: string, heading: string): string[][] {
  const text = readFileSync(new URL(`../../${document}`, import.meta.url), 'utf8');
  const section = text.split(/^(?=#+ )/m).find((part) => part.startsWith(`## ${heading}\n`)) ?? '';
  const examples = [...section.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, lines = '']) => lines).join('');
  return [...examples.matchAll(/^npx sequent (.*?)(?: +#.*)?$/gm)].map(([, command = '']) => command.split(' '));
}
