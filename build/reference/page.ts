import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ApiItem, entries, numberOfApi, type readApi } from './api.ts';
import { commentsIn, inLine, type Words } from './translation.ts';

const core = fileURLToPath(new URL('../../src/core', import.meta.url));

const intro = `What \`sequent-functions/client\` and \`sequent-functions/testing\` export. Times are milliseconds unless the name says otherwise: \`…InMs\` is a
duration, and \`at\`, \`…At\` are milliseconds since the epoch. Every error has a stable \`code\`, and \`retryable\` says whether a repetition can succeed.`;

/** The reference as Markdown, in a language. */
export function pageOf(api: ReturnType<typeof readApi>, words: Words): string {
  const { say } = words;
  const exported = entries.flatMap((entry) => api[entry].exported);
  const named = furtherIn(api);
  const parts = [
    `# ${say('Client library')}`,
    '<!-- npm run client-reference writes this page from the doc comments. -->',
    say(intro),
    say('The public API has the number {number}.').replace('{number}', `\`${numberOfApi([...exported, ...named])}\``),
    ...entries.flatMap((entry) => [
      `## sequent-functions/${entry}`,
      ...inOrder(api[entry].exported).flatMap((item) => sectionOf(item, words)),
    ]),
    `## ${say('Further types that these name')}`,
    ...named.flatMap(({ name, comment, source }) => [`### ${name}`, say(comment.text), codeOf(commentsIn(source, words))]),
    `## ${say('Errors')}`,
    tableOf([say('error'), '`code`', '`retryable`', say('meaning')], errorsNamedIn([...exported, ...named], words)),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

/** The types that the exported names need, each once, by name. */
export function furtherIn(api: ReturnType<typeof readApi>): ApiItem[] {
  const exported = new Set(entries.flatMap((entry) => api[entry].exported).map(({ name }) => name));
  const named = new Map(entries.flatMap((entry) => api[entry].named).map((item) => [item.source, item]));
  return [...named.values()].filter(({ name }) => !exported.has(name)).sort(byName);
}

const byName = (one: ApiItem, other: ApiItem): number => (one.name < other.name ? -1 : 1);
const ranks: Readonly<Record<ApiItem['kind'], number>> = { function: 0, interface: 1, type: 2, member: 3 };

/** Functions first, then what they return, then types of data. */
function inOrder(items: readonly ApiItem[]): ApiItem[] {
  return items.toSorted((one, other) => ranks[one.kind] - ranks[other.kind] || byName(one, other));
}

function sectionOf(item: ApiItem, words: Words): string[] {
  const { name, kind, comment, signature, members } = item;
  return [
    `### ${name}`,
    words.say(comment.text),
    codeOf(kind === 'interface' ? `${signature} { … }` : commentsIn(signature, words)),
    ...tagsOf(item, words),
    ...(kind === 'interface' ? members : []).flatMap((member) => [
      `#### ${name}.${member.name}`,
      codeOf(member.signature),
      words.say(member.comment.text),
      ...tagsOf(member, words),
    ]),
  ];
}

function tagsOf({ comment: { params, returns, throws, examples } }: ApiItem, { say, colon }: Words): string[] {
  const described = [...params].map(([name, text]) => `- \`${name}\`${colon}${say(inLine(text))}`);
  return [
    described.length === 0 ? '' : `**${say('Parameters')}**\n\n${described.join('\n')}`,
    returns === '' ? '' : `**${say('Returns')}** ${say(inLine(returns))}`,
    throws.length === 0 ? '' : `**${say('Throws')}**\n\n${throws.map((text) => `- ${say(inLine(text))}`).join('\n')}`,
    ...examples.map((example) => `**${say('Example')}**\n\n${codeOf(example)}`),
  ];
}

const codeOf = (code: string): string => `\`\`\`ts\n${code}\n\`\`\``;

/** The errors that the comments name, with what the classes say. */
function errorsNamedIn(items: readonly ApiItem[], { say }: Words): string[][] {
  const comments = items.flatMap((item) => [item, ...item.members]).flatMap(({ comment }) => [comment.text, ...comment.throws]);
  const named = new Set(comments.flatMap((text) => [...text.matchAll(/`([A-Z]\w+Error)`/g)].map(([, name = '']) => name)));
  const found = readErrors();
  return [...named].sort().flatMap((name) => {
    const [code = '', retryable = '', meaning = ''] = found.get(name) ?? [];
    if (!found.has(name)) return [];
    return [[`\`${name}\``, code, retryable, say(meaning)]];
  });
}

const classes =
  /(?:\/\*\*\s*((?:(?!\*\/)[\s\S])*?)\s*\*\/\n)?export class (\w+Error) extends (\w+) \{(?:\s+readonly code = '(\w+)';\s+readonly retryable(?: = (\w+)|: boolean);)?/g;

/** Every error class: its code, whether it is retryable, and its meaning. A class without a code of its own has that of its base. */
function readErrors(): Map<string, [string, string, string]> {
  const found = new Map<string, [string, string, string]>();
  const sources = readdirSync(core, { recursive: true, encoding: 'utf8' }).filter((file) => /errors?\.ts$/.test(file));
  for (const source of sources.sort((one, other) => Number(other === 'errors.ts') - Number(one === 'errors.ts')))
    for (const [, meaning = '', name = '', base = '', code, retryable] of readFileSync(join(core, source), 'utf8').matchAll(classes)) {
      const [baseCode = '', baseRetryable = ''] = found.get(base) ?? [];
      found.set(name, [
        code === undefined ? baseCode : `\`${code}\``,
        code === undefined ? baseRetryable : (retryable ?? 'by case'),
        inLine(meaning.replaceAll(/^\s*\*\s?/gm, '')),
      ]);
    }
  return found;
}

function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows];
  return lines.map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`).join('\n');
}
