import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createMarkdownRenderer } from 'vitepress';
import { describe, expect, test } from 'vitest';
import { docs, fileOf, navigationOf, sections, sidebarOf } from '../../../build/site/pages.ts';
import { sourceLinks } from '../../../build/site/source-links.ts';

const listed = sections.flatMap(({ pages }) => pages);
const written = readdirSync(docs, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.md') && !/^(?:\.vitepress|zh)\/|^index\.md$/.test(file))
  .map((file) => file.replace(/\.md$/, ''));

/** Renders a text as the site does. */
async function rendered(text: string, relativePath: string): Promise<string> {
  const markdown = await createMarkdownRenderer(docs, { config: sourceLinks });
  return markdown.render(text, { relativePath });
}

/** The labels of a drawing: what stands in brackets and quotes, and the texts of messages. */
function wordsOf(drawing: string): string[] {
  const labels = [...drawing.matchAll(/"([^"]+)"|[[(]([^[\]()"]+)[\])]|(?:^ +\S+-?->>\S+: | as )(.+)$/gm)];
  return labels.flatMap(([, quoted, bare, message]) => (quoted ?? bare ?? message ?? '').split('<br/>'));
}

/** The text that an SVG shows. */
function shownIn(svg: string): string {
  const text = svg.replaceAll(/<style>[\s\S]*?<\/style>|<[^>]*>/g, '\n');
  return text.replaceAll('&gt;', '>').replaceAll('&lt;', '<').replaceAll('&amp;', '&').replaceAll('&quot;', '"').replaceAll('&#39;', "'");
}

describe('the pages of the site', () => {
  test('are all documents, each once in the reading order', () => {
    expect(listed.toSorted()).toEqual(written.toSorted());
    expect(new Set(listed).size).toBe(listed.length);
  });

  test('are in the order that README gives', () => {
    for (const readme of ['README.md', 'README.zh-CN.md']) {
      const line = readFileSync(`${docs}/../${readme}`, 'utf8').match(/^\*\*(?:In this order|阅读顺序)\*\*.*?\)[.。]/m)?.[0] ?? '';
      const linked = [...line.matchAll(/\(docs\/(?:zh\/)?([\w/-]+)\.md\)/g)].map(([, page = '']) => page);
      expect(linked, readme).toEqual(sections[0]?.pages);
    }
  });

  test.for(['en', 'zh'] as const)('exist for each link of the sidebar, the navigation and the home page, in %s', (language) => {
    const home = [...readFileSync(fileOf('index', language), 'utf8').matchAll(/\blink: (\S+?)[ \n]/g)].map(([, link = '']) => link);
    expect(home.length).toBeGreaterThan(5);
    const links = [...sidebarOf(language).flatMap(({ items }) => items), ...navigationOf(language)].map(({ link }) => link);
    const isHere = (link: string): boolean => existsSync(`${docs}${link}.md`) && link.startsWith('/zh/') === (language === 'zh');
    expect([...home, ...links].filter((link) => !isHere(link))).toEqual([]);
  });

  test('have a twin at the address that the switch of the language leads to', () => {
    expect(listed.filter((page) => !existsSync(fileOf(page, 'zh')))).toEqual([]);
  });

  test.for(['docs/architecture.md', 'docs/zh/architecture.md'])('draw each drawing of %s, with all its words', async (document) => {
    const text = readFileSync(`${docs}/../${document}`, 'utf8');
    const fences = [...text.matchAll(/^```mermaid\n([\s\S]*?)^```$/gm)].map(([fence, content = '']) => ({ fence, content }));
    expect(fences.length).toBeGreaterThanOrEqual(2);
    for (const { fence, content } of fences) {
      const html = await rendered(`## The heading\n\n${fence}\n`, 'architecture.md');
      expect(html).toContain('<div class="drawing" role="img" aria-label="The heading"');
      const [, svg = ''] = / v-html="([^"]*)"/.exec(html) ?? [];
      const drawn = JSON.parse(svg.replaceAll('&quot;', '"').replaceAll('&lt;', '<').replaceAll('&amp;', '&')) as string;
      expect(wordsOf(content).filter((words) => !shownIn(drawn).includes(words))).toEqual([]);
      expect(drawn).not.toMatch(/https?:\/\/(?!www\.w3\.org)/);
    }
  });

  test('are not built with a drawing that cannot be drawn', async () => {
    await expect(rendered('```mermaid\nnothing known\n```\n', 'architecture.md')).rejects.toThrow();
  });

  test('show double braces as they are, which Vue would evaluate', async () => {
    const html = await rendered('Each of `{{partition(1,wildcard(1))}}` and {{two}}.', 'scale.md');
    expect(html).toContain('&#123;&#123;partition(1,wildcard(1))}}');
    expect(html).not.toContain('{{');
  });

  test('have a title for each link of the sidebar in both languages', () => {
    for (const language of ['en', 'zh'] as const)
      for (const { text, link } of sidebarOf(language).flatMap(({ items }) => items)) expect(text, link).not.toBe('');
  });
});
