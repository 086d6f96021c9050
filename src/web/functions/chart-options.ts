import uPlot from 'uplot';

export const HEIGHT = 180;
/** One line, or the bars of one colour. `colour` is the custom property that holds it. */
export type Series = { label: string; values: readonly (number | null)[]; colour: string };

type Drawn = {
  place: HTMLElement;
  kind: 'bars' | 'lines';
  series: readonly Series[];
  format: (value: number) => string;
  isUtc: boolean;
};

/** How a chart of buckets is drawn at a place, in the colours that the page has now. */
export function chartOptions({ place, kind, series, format, isUtc }: Drawn): uPlot.Options {
  const stroke = colourOf(place, '--text-soft');
  const line = colourOf(place, '--line');
  const axis = { stroke, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1, size: 4 }, font: '11px system-ui, sans-serif' };
  return {
    width: place.clientWidth,
    height: HEIGHT,
    padding: [8, 20, 0, 0],
    cursor: { points: { size: 6 }, drag: { x: false, y: false } },
    ...(isUtc ? { tzDate: (seconds: number) => uPlot.tzDate(new Date(seconds * 1_000), 'Etc/UTC') } : {}),
    scales: {
      // A bucket begins at its time: the last one needs room behind it.
      x: { range: ({ data: [times] }, least, most) => [least, most + (times[1] ?? 1) - (times[0] ?? 0)] },
      y: { range: (_, __, most) => [0, most > 0 ? most * 1.1 : 1] },
    },
    axes: [
      { ...axis, size: 34, space: 56, values: timeFormats },
      // Half an invocation is none.
      { ...axis, size: 58, ...(kind === 'bars' ? { incrs: wholeSteps } : {}), values: (_, values) => values.map((value) => format(value)) },
    ],
    series: [
      { label: 'from', value: (_, seconds) => timeInWords(seconds, isUtc) },
      ...series.map(
        ({ label, colour }): uPlot.Series => ({
          label,
          value: (_, value) => (value === null || value === undefined ? '–' : format(value)),
          ...(kind === 'bars' ? barsIn(colourOf(place, colour)) : lineIn(colourOf(place, colour))),
        }),
      ),
    ],
  };
}

function barsIn(fill: string): uPlot.Series {
  const paths = uPlot.paths.bars?.({ size: [0.85, 40], align: 1 });
  return { stroke: fill, fill, width: 0, points: { show: false }, ...(paths === undefined ? {} : { paths }) };
}

/** With its points, since a bucket between empty ones is a point and no line. */
function lineIn(stroke: string): uPlot.Series {
  return { stroke, width: 1.8, points: { show: true, size: 5, fill: stroke }, spanGaps: false };
}

const wholeSteps = Array.from({ length: 10 }, (_, power) => [1, 2, 5].map((step) => step * 10 ** power)).flat();

const MINUTE = 60;
const DAY = 86_400;
/** From which step on a tick is told how, and what is added where another day, or another year, begins. */
const timeFormats: (string | number | null)[][] = [
  [DAY, '{D} {MMM}', '\n{YYYY}', null, null, null, null, null, 1],
  [MINUTE, '{HH}:{mm}', '\n{D} {MMM}', null, '\n{D} {MMM}', null, null, null, 1],
  [1, '{HH}:{mm}:{ss}', '\n{D} {MMM}', null, '\n{D} {MMM}', null, null, null, 1],
];

const exactFormat = uPlot.fmtDate('{D} {MMM} {HH}:{mm}:{ss}');

function timeInWords(seconds: number | null | undefined, isUtc: boolean): string {
  if (seconds === null || seconds === undefined) return '–';
  const date = new Date(seconds * 1_000);
  return isUtc ? `${exactFormat(uPlot.tzDate(date, 'Etc/UTC'))} UTC` : exactFormat(date);
}

/** What a custom property comes to here and now. */
function colourOf(place: HTMLElement, property: string): string {
  const probe = document.createElement('i');
  probe.style.color = `var(${property})`;
  place.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
