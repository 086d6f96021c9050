import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileOf, type Language, sections, titleOf } from './pages.ts';
import { addressOfSource } from './source-links.ts';

const languages = ['en', 'zh'] as const;

/**
 * Writes what language models read, in each language: `llms.txt`, which lists the pages with their first sentences; `llms-full.txt`, which
 * holds all pages in the order of the sidebar; and the Markdown of each page beside the page.
 */
export function writeLlms(site: string, summaries: Readonly<Record<Language, string>>): void {
  for (const language of languages)
    for (const [path, text] of Object.entries(llmsOf(language, summaries[language]))) {
      const file = join(site, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
}

/** These files of a language, by their paths in the site. */
export function llmsOf(language: Language, summary: string): Record<string, string> {
  const folder = language === 'en' ? '' : `${language}/`;
  const texts = sections.flatMap(({ pages }) => pages.map((page) => [`${folder}${page}.md`, textOf(page, language)] as const));
  const lists = sections.map(({ title, pages }) => `## ${title[language]}\n\n${pages.map((page) => lineOf(page, language)).join('\n')}\n`);
  const other = language === 'en' ? '- [简体中文](/zh/llms.txt): 同样的页面' : '- [English](/llms.txt): the same pages';
  return {
    ...Object.fromEntries(texts),
    [`${folder}llms.txt`]: `# Sequent\n\n> ${summary}\n\n${other}\n\n${lists.join('\n')}`,
    [`${folder}llms-full.txt`]: texts.map(([path, text]) => `<!-- ${path} -->\n\n${text}`).join('\n'),
  };
}

/** A document with links that lead to the same files from each file of the site. */
function textOf(page: string, language: Language): string {
  const text = readFileSync(fileOf(page, language), 'utf8');
  const path = language === 'en' ? `${page}.md` : `${language}/${page}.md`;
  return text.replaceAll(/\]\((?![a-z]+:|#|\/)([^()\s#]+)(#[^()\s]*)?\)/gi, (_, to: string, anchor = '') => {
    // The site has the pictures at their place.
    const source = to.includes('pictures/') ? undefined : addressOfSource(path, to);
    return `](${source === undefined ? posix.join('/', posix.dirname(path), to) + anchor : `/${source}`})`;
  });
}

function lineOf(page: string, language: Language): string {
  const file = fileOf(page, language);
  const folder = language === 'en' ? '' : `${language}/`;
  return `- [${titleOf(file)}](/${folder}${page}.md): ${firstSentenceOf(readFileSync(file, 'utf8'))}`;
}

/** The first sentence of the prose of a document, without links and emphasis. A paragraph that announces a list is none. */
function firstSentenceOf(text: string): string {
  const paragraphs = text.split(/\n\s*\n/).filter((part) => /^[\p{Lu}\p{Lo}`*《“]/u.test(part));
  const sentences = paragraphs.flatMap((part) => /^.+?(?:\.(?=\s|$)|。)/s.exec(part) ?? []);
  return (sentences[0] ?? '')
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll('**', '')
    .replaceAll(/\s+/g, ' ');
}
