import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const docs = fileURLToPath(new URL('../../docs', import.meta.url));

export type Section = {
  title: { en: string; zh: string };
  /** The documents, without `.md`, in the order in which they are read. Their headings are the titles. */
  pages: readonly string[];
};

/** The order in which the documents are read: the sidebar of the site, and the order of llms.txt. README gives the same order. */
export const sections: readonly Section[] = [
  {
    title: { en: 'In this order', zh: '按此顺序阅读' },
    pages: ['concepts', 'development', 'functions', 'destinations', 'flow', 'operations'],
  },
  { title: { en: 'Try it', zh: '试一试' }, pages: ['try'] },
  {
    title: { en: 'Recipes', zh: '示例' },
    pages: [
      'recipes/README',
      'recipes/pager',
      'recipes/dead-letters',
      'recipes/large-orders',
      'recipes/large-payloads',
      'recipes/canary',
      'recipes/nightly-report',
      'recipes/remind-later',
      'recipes/deploy-a-folder',
      'recipes/from-functiongraph',
      'recipes/from-bullmq',
      'recipes/from-lambda',
    ],
  },
  {
    title: { en: 'To do something', zh: '完成任务' },
    pages: ['testing', 'history', 'pages', 'troubleshooting', 'from-any-language', 'deployment', 'servers', 'quotas', 'security'],
  },
  {
    title: { en: 'To look something up', zh: '查阅' },
    pages: ['client-api', 'cli', 'http-api', 'conditions', 'configuration', 'runtime-protocol', 'sql', 'compatibility', 'glossary'],
  },
  { title: { en: 'How it is built', zh: '内部实现' }, pages: ['architecture', 'proof', 'performance', 'scale'] },
];

export type Language = 'en' | 'zh';

export function fileOf(page: string, language: Language): string {
  return join(docs, language === 'en' ? '' : language, `${page}.md`);
}

/** The heading of a document, without its markup. */
export function titleOf(file: string): string {
  const [, title = ''] = /^# (.+)$/m.exec(readFileSync(file, 'utf8')) ?? [];
  return title.replaceAll('`', '');
}

/** The address of a page in a language. */
function addressOf(page: string, language: Language): string {
  return language === 'en' ? `/${page}` : `/${language}/${page}`;
}

/** The links at the top of each page. */
export function navigationOf(language: Language) {
  const texts = language === 'en' ? ['Documents', 'Try a policy', 'Recipes', 'Command line'] : ['文档', '试用策略', '示例', '命令行'];
  return ['concepts', 'try', 'recipes/README', 'cli'].map((page, index) => ({ text: texts[index] ?? '', link: addressOf(page, language) }));
}

/** The sidebar in a language. */
export function sidebarOf(language: Language) {
  return sections.map(({ title, pages }) => ({
    text: title[language],
    items: pages.map((page) => ({ text: titleOf(fileOf(page, language)), link: addressOf(page, language) })),
  }));
}
