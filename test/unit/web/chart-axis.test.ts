import { expect, test } from 'vitest';
import { formatDuration } from '#src/core/text/format-duration.ts';
import { widthFor } from '#src/web/functions/stats/chart-options.ts';

/** The width of a digit of the font of the charts (11px), without the space of the ticks. */
const DIGIT_IN_PX = 6;

test('the axis of a chart has room for its longest label, such as 3 min 20 s', () => {
  for (const ms of [5, 9_800, 100_000, 200_000, 86_400_000 + 3_600_000 * 11]) {
    const label = formatDuration(ms);
    expect(widthFor(['0 ms', label]), label).toBeGreaterThan(label.length * DIGIT_IN_PX + 8);
  }
  expect(widthFor([])).toBe(widthFor(['0', '200']));
});
