import { describe, expect, test } from 'vitest';
import type { Fact } from '#machines/facts.ts';
import { drawTimeline } from '#src/cli/print/timeline-picture.ts';
import { spansOf } from '#src/cli/print/timeline-spans.ts';
import type { Timeline } from '#src/client/client.ts';
import { outputStreamOf } from '#test/support/cli/output-streams.ts';
import {
  billing,
  deliveryDelivered,
  deliveryFailed,
  deliveryStarted,
  failed,
  ID,
  notified,
  queued,
  retrying,
  running,
  succeeded,
} from '#test/support/log/facts.ts';

const flaky: Fact[] = [
  queued({ at: 0 }),
  running(1, { at: 100 }),
  retrying(1, { at: 300, dueAt: 800 }),
  running(2, { at: 800 }),
  succeeded(2, { at: 1_000 }),
  notified({ at: 1_000 }),
];

describe('the spans of an invocation', () => {
  test('are its waits and attempts, without gaps', () => {
    const spans = spansOf(flaky, 9_999);
    expect(spans.map(({ label, from, to, end }) => [label, from, to, end])).toEqual([
      ['queued', 0, 100, 'over'],
      ['attempt 1', 100, 300, 'failed'],
      ['wait', 300, 800, 'over'],
      ['attempt 2', 800, 1_000, 'succeeded'],
    ]);
  });

  test('reach until now when they have not ended', () => {
    expect(spansOf(flaky.slice(0, 2), 5_000).at(-1)).toMatchObject({ label: 'attempt 1', from: 100, to: 5_000, end: 'open' });
    expect(spansOf(flaky.slice(0, 1), 5_000)).toMatchObject([{ label: 'queued', to: 5_000, end: 'open' }]);
  });

  test('have no negative length when the clocks of two machines disagree', () => {
    const spans = spansOf([queued({ at: 100 }), running(1, { at: 40 }), succeeded(1, { at: 20 }), notified({ at: 20 })], 200);
    for (const { from, to } of spans) expect(to).toBeGreaterThanOrEqual(from);
  });

  test('of several deliveries overlap', () => {
    const spans = spansOf(
      [
        queued({ at: 0 }),
        running(1, { at: 10 }),
        succeeded(1, { at: 20, destinations: [billing] }),
        deliveryStarted(1, { at: 30 }),
        deliveryStarted(1, { at: 35, destination: 'd2' }),
        deliveryFailed(1, { at: 40, dueAt: 60 }),
        deliveryDelivered(1, { at: 50, destination: 'd2' }),
        deliveryStarted(2, { at: 60 }),
        deliveryDelivered(2, { at: 70 }),
        notified({ at: 75 }),
      ],
      100,
    );
    expect(spans.map(({ label, from, to }) => [label, from, to])).toEqual([
      ['queued', 0, 10],
      ['attempt 1', 10, 20],
      ['delivering', 20, 75],
      ['delivery 1', 30, 40],
      ['delivery 1', 35, 50],
      ['wait', 40, 60],
      ['delivery 2', 60, 70],
    ]);
  });
});

function timelineOf(facts: readonly Fact[]): Timeline {
  return {
    requestId: ID,
    function: 'orders',
    qualifier: 'latest',
    state: 'notified',
    status: 'SUCCESS',
    attempts: 2,
    requestPayload: '',
    transitions: facts.map((fact, index) => ({ sequence: index + 1, by: 'w1', fact })),
  };
}

describe('the picture of a timeline', () => {
  const barsIn = (lines: readonly string[]): string[] => lines.filter((line) => /^(queued|attempt|wait)/.test(line));

  test('draws bars in proportion to their durations', () => {
    const { output } = outputStreamOf();
    const lengths = barsIn(drawTimeline(timelineOf(flaky), output, 1_000)).map((line) => line.match(/[:#.]{2,}/)?.[0].length ?? 0);
    const [queue = 0, first = 0, wait = 0, second = 0] = lengths;
    expect(Math.abs(first - 2 * queue)).toBeLessThanOrEqual(1);
    expect(Math.abs(wait - 5 * queue)).toBeLessThanOrEqual(3);
    expect(Math.abs(second - first)).toBeLessThanOrEqual(1);
  });

  test('draws at least one character for a short attempt', () => {
    const { output } = outputStreamOf();
    const long = [queued({ at: 0 }), running(1, { at: 86_400_000 }), succeeded(1, { at: 86_400_001 })];
    expect(barsIn(drawTimeline(timelineOf(long), output, 86_400_001))[1]).toMatch(/#\s+1 ms/);
  });

  test.for([40, 60, 80, 120, 250])('keeps its bars within a terminal of %i columns', (columns) => {
    const { output } = outputStreamOf({ columns, env: { NO_COLOR: '1', LANG: 'C.UTF-8' } });
    const longest = retrying(1, {
      at: 300,
      dueAt: 800,
      failure: { kind: 'function', errorType: 'Error', message: 'x'.repeat(900), code: 1 },
    });
    for (const line of barsIn(drawTimeline(timelineOf(flaky.with(2, longest)), output, 1_000))) {
      expect(line.length).toBeLessThanOrEqual(Math.max(columns, 48));
    }
  });

  test('shows the reason of an invocation that never ran', () => {
    const { output } = outputStreamOf();
    const failure = {
      kind: 'platform',
      errorType: 'FunctionNotFound',
      message: 'function "orders" does not exist',
      code: 150_424,
    } as const;
    const picture = drawTimeline(
      timelineOf([queued({ at: 0 }), failed(0, { at: 1_000, condition: 'FunctionNotFound', failure })]),
      output,
      1_000,
    );
    expect(picture.join('\n')).toContain('FunctionNotFound: function "orders" does not exist');
  });

  test('contains no control characters of a function', () => {
    const { output } = outputStreamOf({ columns: 100, env: { NO_COLOR: '1' } });
    const evil = '\u001b[2J\u001b]0;owned\u0007\r\nerror: all is lost\u009b31m';
    const failure = { kind: 'function', errorType: evil, message: evil, code: 1 } as const;
    const picture = drawTimeline(timelineOf([queued(), running(1, { worker: evil }), failed(1, { failure, output: evil })]), output, 100);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the expression matches control characters
    for (const line of picture) expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
  });
});
