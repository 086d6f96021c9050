import { copyFileSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, posix, relative } from 'node:path';
import { drawingOf } from './drawings.ts';
import { docs } from './pages.ts';

/*
 * The documents link to files of the repository: sources, tests, manifests. One rule makes these links work on the site too, wherever the
 * site and the repository are: the site holds a copy of each file that a page links to, as text, below `source/`. A folder becomes the list
 * of its files. Links between pages are VitePress's.
 */

type Token = {
  type: string;
  content: string;
  info?: string;
  attrGet(name: string): string | null;
  attrSet(name: string, value: string): void;
  children: Token[] | null;
};
type Render = (...args: never[]) => string;
type Markdown = {
  core: { ruler: { push(name: string, rule: (state: State) => void): void } };
  renderer: { rules: Record<string, Render | undefined> };
};
type State = { tokens: Token[]; env: { relativePath?: string }; Token: new (type: string, tag: string, nesting: 0) => Token };

const root = dirname(docs);

/** The files and folders that pages link to, by their paths in the repository. */
const linked = new Set<string>();

/** Rewrites the links of a page to files that are no pages, shows what looks like an element as text, and draws the drawings. */
export function sourceLinks(md: Markdown): void {
  // Vue would evaluate what stands in double braces, and leave the page empty where that fails.
  for (const type of ['text', 'code_inline']) {
    const render = md.renderer.rules[type];
    const keep = type === 'code_inline' ? keepOptions : (html: string) => html;
    md.renderer.rules[type] = (...args) => keep(render?.(...args) ?? '').replaceAll('{{', '&#123;&#123;');
  }
  md.core.ruler.push('source-links', (state) => {
    const { tokens, env, Token } = state;
    // A drawing shows what the heading above it says.
    let heading = '';
    state.tokens = tokens.map((token, index) => {
      if (token.type === 'heading_open') heading = tokens[index + 1]?.content ?? '';
      if (token.type !== 'fence' || token.info?.trim() !== 'mermaid') return token;
      return Object.assign(new Token('html_block', '', 0), { content: drawingOf(token.content, heading) });
    });
    for (const token of tokens.flatMap(({ children }) => children ?? [])) {
      // The commands print `<id>`, which is no element.
      if (token.type === 'html_inline' && !isMarkup.test(token.content)) token.type = 'text';
      if (token.type === 'link_open') rewrite(token, env.relativePath ?? '');
    }
  });
}

/** A browser would break a line after each hyphen of `--json`. Options longer than a narrow page may break. */
const keepOptions = (code: string): string =>
  code.replaceAll(/(?<![\w-])--?[A-Za-z][\w-]{0,30}(?![\w-])(?=[^<>]*<)/g, '<span class="option">$&</span>');

const isMarkup = /^<(?:\/?a\b|!--|\/?ClientOnly|TryPolicy)/;

function rewrite(link: Token, page: string): void {
  const href = link.attrGet('href');
  if (href === null || isElsewhere(href)) return;
  const address = addressOfSource(page, href);
  if (address === undefined) return;
  link.attrSet('href', `${'../'.repeat(page.split('/').length - 1)}${address}`);
  // VitePress leaves a link with a target as it is.
  link.attrSet('target', '_blank');
}

const isElsewhere = (href: string): boolean => /^(?:[a-z]+:|#|\/)/i.test(href);

/** The path in the site of the copy of a file that a page links to; `undefined` for a link to a page. */
export function addressOfSource(page: string, href: string): string | undefined {
  const path = sourceOf(page, href);
  if (path === undefined) return undefined;
  linked.add(path);
  return `source/${nameOf(path)}`;
}

/** The path in the repository of a link that leads to no page; `undefined` for a link to a page. */
function sourceOf(page: string, href: string): string | undefined {
  const path = posix.join('docs', posix.dirname(page), href.replace(/#.*$/, ''));
  return path.startsWith('docs/') && path.endsWith('.md') ? undefined : path;
}

/** Browsers show a text, and would download most other files. */
function nameOf(path: string): string {
  return path.endsWith('.json') ? path : `${path}.txt`;
}

/** Copies every linked file into the site. Throws when one does not exist. */
export function copyLinked(site: string): void {
  for (const path of linked) {
    const from = join(root, path);
    const to = join(site, 'source', nameOf(path));
    mkdirSync(dirname(to), { recursive: true });
    if (statSync(from).isDirectory()) writeFileSync(to, `${filesBelow(from).join('\n')}\n`);
    else copyFileSync(from, to);
  }
}

function filesBelow(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return entries.map(({ parentPath, name }) => relative(root, join(parentPath, name))).sort();
}
