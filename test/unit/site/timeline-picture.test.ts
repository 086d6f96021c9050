import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { drawTimeline } from '../../../build/timeline-picture.ts';

test('the moving picture of README shows what the roles and the machine do today', async () => {
  const shown = readFileSync(new URL('../../../docs/pictures/timeline.svg', import.meta.url), 'utf8');
  // `npm run pictures` draws it anew.
  expect(shown).toBe(await drawTimeline());
});
