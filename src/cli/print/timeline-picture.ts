import { isOutcome } from '#machines/facts.ts';
import { type Wait, waitKinds } from '#src/analysis/explain/queue-waits.ts';
import { say, sayCount, sayWord } from '#src/cli/texts/say.ts';
import type { Timeline } from '#src/client/client.ts';
import { formatDuration } from '#src/core/text/format-duration.ts';
import { describeFact, nameFact } from './facts-in-words.ts';
import { cut, type OutputStream, padEnd, plain, widthOf } from './terminal.ts';
import { type Span, spansOf } from './timeline-spans.ts';

/** Draws an invocation: a head, its attempts and waits as bars on one scale, then every transition with its reason. */
export function drawTimeline(timeline: Timeline, output: OutputStream, now: number, wait?: Wait): string[] {
  const facts = timeline.transitions.map(({ fact }) => fact);
  const startedAt = facts[0]?.at ?? now;
  return [
    ...drawHead(timeline, output, now),
    ...drawWait(wait, output),
    '',
    ...drawBars(spansOf(facts, now, wait === undefined ? undefined : say(waitKinds[wait.kind])), startedAt, output),
    '',
    ...drawTransitions(timeline, startedAt, output),
  ];
}

function drawHead(timeline: Timeline, { paint }: OutputStream, now: number): string[] {
  const { requestId, status, state, transitions, attempts, qualifier } = timeline;
  const startedAt = transitions[0]?.fact.at ?? now;
  const isOver = timeline.envelope !== undefined;
  const endedAt = isOver ? (transitions.findLast(({ fact }) => isOutcome(fact))?.fact.at ?? now) : now;
  const colour = status === 'SUCCESS' ? paint.green : status === 'FAIL' || status === 'DISCARD' ? paint.red : paint.blue;
  const name = plain(timeline.function) + (qualifier === 'latest' ? '' : `:${plain(qualifier)}`) + resolvedIn(timeline);
  const duration = formatDuration(Math.max(0, endedAt - startedAt));
  const took = isOver ? say('took {duration}', { duration }) : say('has taken {duration} so far', { duration });
  return [
    `${paint.bold(name)}  ${requestId}  ${paint.bold(colour(status))} ${paint.dim(`(${sayWord(state)})`)}`,
    say('accepted {time}, {took}, {attempts}', {
      time: new Date(startedAt).toISOString(),
      took,
      attempts: sayCount(attempts, ['{count} attempt', '{count} attempts']),
    }),
  ];
}

/** The version that the first attempt fixed, where the qualifier does not name it. */
function resolvedIn({ qualifier, transitions }: Timeline): string {
  const first = transitions.find(({ fact }) => fact.type === 'running')?.fact;
  const version = first?.type === 'running' ? first.terms?.version : undefined;
  return version === undefined || version === qualifier ? '' : ` → ${plain(version)}`;
}

function drawWait(wait: Wait | undefined, { paint }: OutputStream): string[] {
  if (wait === undefined) return [];
  return [
    paint.yellow(plain(wait.text)),
    ...(wait.remedy === undefined ? [] : [paint.dim(say('try: {remedy}', { remedy: plain(wait.remedy) }))]),
  ];
}

const fills: Record<Span['kind'], { unicode: string; ascii: string }> = {
  queued: { unicode: '░', ascii: ':' },
  attempt: { unicode: '█', ascii: '#' },
  wait: { unicode: '·', ascii: '.' },
  delivery: { unicode: '▓', ascii: '%' },
};

/** Draws the bars on one scale. Each bar has at least one character. */
function drawBars(spans: readonly Span[], startedAt: number, output: OutputStream): string[] {
  const { paint, columns } = output;
  const endedAt = Math.max(startedAt + 1, ...spans.map(({ to }) => to));
  const durations = spans.map(({ from, to, end }) => `${formatDuration(to - from)}${end === 'open' ? '+' : ''}`);
  const labelWidth = Math.max(8, ...spans.map(({ label }) => widthOf(label)));
  const durationWidth = Math.max(6, ...durations.map((text) => text.length));
  const barWidth = Math.max(12, Math.min(64, Math.floor((columns - labelWidth - durationWidth - 6) * 0.6)));
  const noteWidth = Math.max(8, columns - labelWidth - barWidth - durationWidth - 7);
  const cells = (at: number): number => ((Math.max(startedAt, at) - startedAt) / (endedAt - startedAt)) * barWidth;
  const total = formatDuration(endedAt - startedAt);
  const scale = `${' '.repeat(labelWidth + 2)}0${total.padStart(barWidth - 1)}`;
  const lines = spans.map((span, index) => {
    const begin = Math.min(barWidth - 1, Math.floor(cells(span.from)));
    const length = Math.max(1, Math.min(barWidth - begin, Math.round(cells(span.to)) - begin));
    const fill = output.isUnicode ? fills[span.kind].unicode : fills[span.kind].ascii;
    const bar = ' '.repeat(begin) + colourOf(span, output)(fill.repeat(length)) + ' '.repeat(barWidth - begin - length);
    const note = noteOf(span, noteWidth, output);
    return `${padEnd(span.label, labelWidth)}  ${bar}  ${(durations[index] ?? '').padStart(durationWidth)}  ${note}`.trimEnd();
  });
  return [paint.dim(scale), ...lines];
}

function colourOf({ kind, end }: Span, { paint }: OutputStream): (text: string) => string {
  if (kind === 'queued') return paint.cyan;
  if (kind === 'wait') return paint.yellow;
  if (end === 'open') return paint.blue;
  return end === 'succeeded' ? paint.green : paint.red;
}

function noteOf(span: Span, width: number, output: OutputStream): string {
  const note = cut(plain(span.note), width, output.isUnicode ? '…' : '...');
  if (span.kind === 'attempt' || span.kind === 'delivery') return colourOf(span, output)(note);
  return output.paint.dim(note);
}

function drawTransitions({ transitions }: Timeline, startedAt: number, output: OutputStream): string[] {
  const { paint } = output;
  const moments = transitions.map(({ fact }) => `+${formatDuration(Math.max(0, fact.at - startedAt))}`);
  const width = Math.max(...moments.map((text) => text.length));
  const nameWidth = Math.max(...transitions.map(({ fact }) => widthOf(sayWord(fact.type))));
  return transitions.flatMap(({ fact }, index) => {
    const words = describeFact(fact);
    const line = `${paint.dim((moments[index] ?? '').padStart(width))}  ${nameFact(fact.type, output, nameWidth)}  ${words}`;
    return [line, ...drawOutput(fact, ' '.repeat(width + nameWidth + 6), output)];
  });
}

/** The last lines of the function's output in this attempt. */
function drawOutput(fact: object, indent: string, { paint, isUnicode }: OutputStream): string[] {
  const output = 'output' in fact && typeof fact.output === 'string' ? fact.output : '';
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  const shown = lines.slice(-8).map((line) => `${indent}${paint.dim(`${isUnicode ? '│' : '|'} ${plain(line)}`)}`);
  return lines.length > shown.length
    ? [`${indent}${paint.dim(say('({count} earlier lines: --json)', { count: lines.length - shown.length }))}`, ...shown]
    : shown;
}
