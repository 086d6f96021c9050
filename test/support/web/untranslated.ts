import type { Page } from 'playwright-core';
import zhCn from '#src/web/texts/zh-cn.json' with { type: 'json' };

/** Texts that the Chinese pages must not show: English texts with another translation. A lower-case word may also be a name, such as a state. */
const english = Object.entries(zhCn).flatMap(([key, translation]) => (key === translation || /^[a-z]+$/.test(key) ? [] : [key]));
/** English texts that are the same in Chinese, and commands within a sentence. */
const kept = ['Hello world', 'sequent [\\w -]+'];

/**
 * The English texts that a Chinese page shows or reads out: texts of the catalogue, and phrases of at least two words. Empty when there are
 * none. Code, commands, identifiers and the button that chooses English stay as they are.
 */
export async function untranslatedIn(page: Page): Promise<string[]> {
  return await page.evaluate<string[]>(`(${find})(${JSON.stringify(english)}, ${JSON.stringify(kept)})`);
}

/** A script that runs in the page. */
const find = `(english, names) => {
  const skipped = new RegExp(names.join('|'), 'g');
  const known = new Set(english);
  const kept = 'script, style, noscript, code, pre, kbd, textarea, .mono, .log-text, [lang="en"], svg text';
  const isEnglish = (text) => known.has(text) || /[A-Za-z][a-z]+(?:[,’]? [a-z]{2,})+/.test(text.replace(skipped, ''));
  const found = new Set();
  const note = (text, element) => {
    const words = (text ?? '').replace(/\\s+/g, ' ').trim();
    if (isEnglish(words)) found.add(words + ' <' + element.localName + ' ' + element.getAttribute('class') + '>');
  };
  note(document.title, document.documentElement);
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let one = texts.nextNode(); one !== null; one = texts.nextNode())
    if (one.parentElement.closest(kept) === null) note(one.data, one.parentElement);
  for (const element of document.querySelectorAll('body *'))
    if (element.closest(kept) === null)
      for (const name of ['aria-label', 'title', 'placeholder', 'alt', 'data-head']) note(element.getAttribute(name), element);
  return [...found];
}`;
