import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig } from 'vitepress';
import { writeLlms } from '../../build/site/llms.ts';
import { docs, navigationOf, sidebarOf } from '../../build/site/pages.ts';
import { copyLinked, sourceLinks } from '../../build/site/source-links.ts';
import { bundlePolicyPage } from '../../build/site/try/bundle.ts';

/* The site of the documents: `npm run site` (build/site). English is at the root, and Chinese below `zh/`. */

const description = 'Asynchronous functions on NATS JetStream: durable, retried, and every transition is an event.';
const chinese = '基于 NATS JetStream 的异步函数：持久、自动重试，每次状态转换都是事件。';

/** Words as the language has them: Chinese has no spaces between them. The browser receives the source of this function. */
const tokenize = (text: string): string[] =>
  [...new Intl.Segmenter('zh', { granularity: 'word' }).segment(text)].flatMap(({ segment, isWordLike }) => (isWordLike ? [segment] : []));

/** The anchor of a heading as GitHub makes it, so that one link works in both: "Node.js" is `nodejs`. */
const anchorOf = (heading: string): string =>
  heading
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{M}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');

export default defineConfig({
  title: 'Sequent',
  description,
  outDir: '../dist-site',
  cacheDir: '../node_modules/.cache/vitepress',
  // A page loads when it is opened: the first load stays small.
  router: { prefetchLinks: false },
  markdown: { config: sourceLinks, anchor: { slugify: anchorOf } },
  vite: { build: { chunkSizeWarningLimit: 2_000 } },
  themeConfig: {
    search: {
      provider: 'local',
      options: {
        miniSearch: { options: { tokenize } },
        locales: {
          zh: {
            translations: {
              button: { buttonText: '搜索', buttonAriaLabel: '搜索' },
              modal: {
                displayDetails: '显示详细列表',
                resetButtonTitle: '清除',
                backButtonTitle: '关闭',
                noResultsText: '没有结果',
                footer: { selectText: '选择', navigateText: '切换', closeText: '关闭' },
              },
            },
          },
        },
      },
    },
    outline: { level: [2, 3] },
  },
  locales: {
    root: { label: 'English', lang: 'en', themeConfig: { nav: navigationOf('en'), sidebar: sidebarOf('en') } },
    zh: {
      label: '简体中文',
      lang: 'zh-CN',
      description: chinese,
      themeConfig: {
        nav: navigationOf('zh'),
        sidebar: sidebarOf('zh'),
        outline: { level: [2, 3], label: '本页目录' },
        docFooter: { prev: '上一篇', next: '下一篇' },
        darkModeSwitchLabel: '外观',
        lightModeSwitchTitle: '切换到浅色',
        darkModeSwitchTitle: '切换到深色',
        sidebarMenuLabel: '目录',
        returnToTopLabel: '回到顶部',
        langMenuLabel: '语言',
        skipToContentLabel: '跳到正文',
        notFound: { title: '没有此页', quote: '此页不存在，或尚未翻译。', linkLabel: '首页', linkText: '回到首页' },
      },
    },
  },
  async buildEnd({ outDir }) {
    cpSync(join(docs, 'pictures'), join(outDir, 'pictures'), { recursive: true });
    writeLlms(outDir, { en: description, zh: chinese });
    copyLinked(outDir);
    await bundlePolicyPage(outDir);
  },
});
