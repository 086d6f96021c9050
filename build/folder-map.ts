import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { layers, type Room } from './rooms.ts';

/*
 * npm run folder-map writes the map of docs/architecture.md and of its Chinese twin from the table of rooms.ts.
 * test/unit/repository/layout.test.ts compares both.
 */

/** The documents with the map. */
export const mapped = ['docs/architecture.md', 'docs/zh/architecture.md'];
const START = '<!-- npm run folder-map writes what follows, from build/rooms.ts. -->\n';
const END = '<!-- The end of the map. -->\n';
const INDENT = '  ';

/** A document, with the map of all rooms and their folders. */
export function documentWithMap(document: string): { present: string; wanted: string } {
  const present = readFileSync(pathOf(document), 'utf8');
  const [before = '', rest = ''] = present.split(START);
  const [, after = ''] = rest.split(END);
  return { present, wanted: `${before}${START}\n${mapOf(layers)}\n${END}${after}` };
}

function pathOf(document: string): string {
  return fileURLToPath(new URL(`../${document}`, import.meta.url));
}

function mapOf(floors: readonly (readonly Room[])[]): string {
  const rows = floors.flatMap((rooms, index) => [[`floor ${index + 1}`, ''], ...rooms.flatMap(rowsOf)]);
  const width = Math.max(...rows.map(([folder = '']) => folder.length));
  const lines = rows.map(([folder = '', holds = '']) => `${folder.padEnd(width)}  ${holds}`.trimEnd());
  return ['```text', ...lines, '```', ''].join('\n');
}

function rowsOf({ folder, holds, folders = {} }: Room): [string, string][] {
  const inner = Object.entries(folders).map(([name, kept]): [string, string] => [`${INDENT}${INDENT}${name}/`, kept]);
  return [[`${INDENT}${folder}/`, holds], ...inner];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const document of mapped) {
    writeFileSync(pathOf(document), documentWithMap(document).wanted);
    process.stdout.write(`wrote ${document}\n`);
  }
}
