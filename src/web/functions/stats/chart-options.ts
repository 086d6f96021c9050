import uPlot from 'uplot';
import { currentLanguage, type Language } from '#src/core/text/language.ts';
import { t } from '../../shell/language.ts';

export const HEIGHT = 180;
/** A series of a chart. `colour` is the name of a CSS custom property. */
export type Series = { label: string; values: readonly (number | null)[]; colour: string };

/** The class of a chart whose legend has no values. */
const NO_VALUES = 'no-values';

type ChartContent = {
  container: HTMLElement;
  kind: 'bars' | 'lines';
  series: readonly Series[];
  format: (value: number) => string;
  isUtc: boolean;
};

/** The options of uPlot for a chart of buckets, with the colours of the current theme. */
export function chartOptions({ container, kind, series, format, isUtc }: ChartContent): uPlot.Options {
  const stroke = colourOf(container, '--text-soft');
  const line = colourOf(container, '--line');
  const axis = { stroke, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1, size: 4 }, font: '11px system-ui, sans-serif' };
  return {
    class: NO_VALUES,
    width: container.clientWidth,
    height: HEIGHT,
    padding: [8, 20, 0, 0],
    cursor: { points: { size: 6 }, drag: { x: false, y: false } },
    // Values belong to the bucket below the pointer. Without a pointer the legend has no values to show.
    hooks: { setLegend: [({ root, legend }) => root.classList.toggle(NO_VALUES, typeof legend.idx !== 'number')] },
    ...(isUtc ? { tzDate: (seconds: number) => uPlot.tzDate(new Date(seconds * 1_000), 'Etc/UTC') } : {}),
    scales: {
      // A time is the start of its bucket, so the scale ends one bucket after the last time.
      x: { range: ({ data: [times] }, min, max) => [min, max + (times[1] ?? 1) - (times[0] ?? 0)] },
      y: { range: (_, __, max) => [0, max > 0 ? max * 1.1 : 1] },
    },
    axes: [
      { ...axis, size: 34, space: 56, values: timeFormats() },
      // Bars count invocations, so their axis has whole steps.
      {
        ...axis,
        size: (_, labels: readonly string[] | null) => widthFor(labels ?? []),
        ...(kind === 'bars' ? { incrs: wholeSteps } : {}),
        values: (_, values) => values.map((value) => format(value)),
      },
    ],
    series: [
      { label: t('from'), value: (_, seconds) => formatTime(seconds, isUtc) },
      ...series.map(
        ({ label, colour }): uPlot.Series => ({
          label,
          value: (_, value) => (value === null || value === undefined ? '–' : format(value)),
          ...(kind === 'bars' ? barsIn(colourOf(container, colour)) : lineIn(colourOf(container, colour))),
        }),
      ),
    ],
  };
}

const WIDTH_OF_CHARACTER = 6.5;

/** The width of the axis in pixels. A label such as `3 min 20 s` is longer than a count, and would be cut off. */
export function widthFor(labels: readonly string[]): number {
  return Math.max(58, ...labels.map((label) => 14 + Math.ceil(label.length * WIDTH_OF_CHARACTER)));
}

function barsIn(fill: string): uPlot.Series {
  const paths = uPlot.paths.bars?.({ size: [0.85, 40], align: 1 });
  return { stroke: fill, fill, width: 0, points: { show: false }, ...(paths === undefined ? {} : { paths }) };
}

/** A line with points, because a bucket between empty ones has no line to a neighbour. */
function lineIn(stroke: string): uPlot.Series {
  return { stroke, width: 1.8, points: { show: true, size: 5, fill: stroke }, spanGaps: false };
}

const wholeSteps = Array.from({ length: 10 }, (_, power) => [1, 2, 5].map((step) => step * 10 ** power)).flat();

const MINUTE = 60;
const DAY = 86_400;
/** A day in the formats of uPlot, without the year. */
const dayFormats: Readonly<Record<Language, string>> = { en: '{D} {MMM}', 'zh-CN': '{M}月{D}日' };
/** uPlot's formats of ticks by the step between them, with what is added at the start of a day or a year. */
function timeFormats(): (string | number | null)[][] {
  const day = dayFormats[currentLanguage()];
  return [
    [DAY, day, '\n{YYYY}', null, null, null, null, null, 1],
    [MINUTE, '{HH}:{mm}', `\n${day}`, null, `\n${day}`, null, null, null, 1],
    [1, '{HH}:{mm}:{ss}', `\n${day}`, null, `\n${day}`, null, null, null, 1],
  ];
}

function formatTime(seconds: number | null | undefined, isUtc: boolean): string {
  if (seconds === null || seconds === undefined) return '–';
  const date = new Date(seconds * 1_000);
  const exactFormat = uPlot.fmtDate(`${dayFormats[currentLanguage()]} {HH}:{mm}:{ss}`);
  return isUtc ? `${exactFormat(uPlot.tzDate(date, 'Etc/UTC'))} UTC` : exactFormat(date);
}

/** The computed colour of a custom property. */
function colourOf(container: HTMLElement, property: string): string {
  const probe = document.createElement('i');
  probe.style.color = `var(${property})`;
  container.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
