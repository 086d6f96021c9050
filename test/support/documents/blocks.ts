import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../../', import.meta.url));

/** An example of a document: a fenced block. */
export type Block = { language: string; content: string };

/** The documents with examples, as paths from the root. The Chinese twins have the same examples (`chinese-documents.test.ts`). */
export const documentsWithExamples: readonly string[] = [
  'README.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.md') && !path.startsWith('zh/') && !path.startsWith('.vitepress'))
    .map((path) => `docs/${path}`)
    .filter((document) => blocksOf(document).some(isExample))
    .sort(),
];

export function blocksOf(document: string): Block[] {
  const text = readFileSync(join(root, document), 'utf8');
  return [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([, language = '', content = '']) => ({ language, content }));
}

/** Whether a block is an example: diagrams and plain texts are none. */
export function isExample({ language }: Block): boolean {
  return language !== 'mermaid' && language !== 'text';
}

/** The file that a block is, by the comment in its first line; `undefined` for commands. */
export function fileOf({ content }: Block): string | undefined {
  return /^(?:\/\/|#) ([\w./-]+\.\w+)\n/.exec(content)?.[1];
}

/** The commands of a block of a shell: its lines, but a text up to its END and a loop are one command. */
export function commandsOf({ content }: Block): string[] {
  const commands: string[] = [];
  let open: RegExp | undefined;
  for (const line of content.trimEnd().split('\n')) {
    if (open === undefined) commands.push(line);
    else commands.push(`${commands.pop()}\n${line}`);
    if (open?.test(line)) open = undefined;
    else if (line.includes("<<'END'")) open = /^END$/;
    else if (/^for /.test(line)) open = /^done$/;
  }
  return commands.filter((command) => !command.startsWith('# '));
}
