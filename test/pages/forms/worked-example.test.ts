import { describe } from 'vitest';
import { hasPython } from '#test/support/hosts/python.ts';
import { startWebSequent } from '#test/support/web/content/web-sequent.ts';
import { pagesTest } from '#test/support/web/pages-test.ts';
import { javaScript, python, walkWorkedExample } from '#test/support/web/walk/worked-example.ts';

const test = pagesTest(startWebSequent);

/* `test/e2e/pages/worked-example.test.ts` does the same in English, with functions in JavaScript. */
describe('the worked example of the source document (SRC10), in the pages alone', () => {
  test('is created, configured, invoked and followed in Chinese', async ({ sequent, browser }) => {
    await walkWorkedExample({ sequent, browser, language: 'zh-CN', code: javaScript });
  });

  test.skipIf(!hasPython)('is created, configured, invoked and followed with functions in Python', async ({ sequent, browser }) => {
    await walkWorkedExample({ sequent, browser, language: 'en', code: python });
  });
});
