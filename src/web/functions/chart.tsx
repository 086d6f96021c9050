import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { theme, zone } from '../shell/settings.ts';
import { useStore } from '../shell/store.ts';
import 'uplot/dist/uPlot.min.css';

type Series = { label: string; values: readonly (number | null)[]; colour: string };
type ChartProps = {
  title: string;
  /** Where each bucket begins, in seconds since the epoch. */
  times: readonly number[];
  kind: 'bars' | 'lines';
  series: readonly Series[];
  format: (value: number) => string;
};

const HEIGHT = 180;

/** Numbers over time. Its colours are those of the page, and are read again when the page changes its own. */
export function Chart(props: ChartProps) {
  const { title, times, series, format } = props;
  const isEmpty = series.every(({ values }) => values.every((value) => value === null || value === 0));
  return (
    <figure class="chart-card">
      <figcaption>{title}</figcaption>
      {isEmpty || times.length === 0 ? (
        <p class="chart-empty">nothing in this time</p>
      ) : (
        <>
          <Plot {...props} />
          <p class="unseen">{inWords(series, format)}</p>
        </>
      )}
    </figure>
  );
}

function Plot({ times, kind, series, format }: ChartProps) {
  const frame = useRef<HTMLDivElement>(null);
  const chosenTheme = useStore(theme);
  const chosenZone = useStore(zone);
  const content = useRef({ times, series });
  content.current = { times, series };
  const plot = useRef<uPlot>(undefined);
  const shape = series.map(({ label }) => label).join();

  useEffect(() => {
    const { current: place } = frame;
    if (place === null) return;
    const draw = (): void => {
      plot.current?.destroy();
      const { series: lines } = content.current;
      const options = optionsOf({ place, kind, series: lines, format, isUtc: chosenZone === 'utc' });
      plot.current = new uPlot(options, alignedOf(content.current), place);
    };
    draw();
    const resized = new ResizeObserver(() => plot.current?.setSize({ width: place.clientWidth, height: HEIGHT }));
    resized.observe(place);
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    scheme.addEventListener('change', draw);
    return () => {
      scheme.removeEventListener('change', draw);
      resized.disconnect();
      plot.current?.destroy();
      plot.current = undefined;
    };
  }, [kind, shape, chosenTheme, chosenZone]);

  useEffect(() => {
    plot.current?.setData(alignedOf({ times, series }));
  }, [times, series]);
  return <div ref={frame} class="chart" aria-hidden="true" />;
}

function alignedOf({ times, series }: { times: readonly number[]; series: readonly Series[] }): uPlot.AlignedData {
  return [[...times], ...series.map(({ values }) => [...values])];
}

function inWords(series: readonly Series[], format: (value: number) => string): string {
  const highest = series.map(({ label, values }) => {
    const numbers = values.filter((value) => value !== null);
    return `${label}: ${numbers.length === 0 ? 'nothing' : `at most ${format(Math.max(...numbers))}`}`;
  });
  return highest.join(', ');
}

type Drawn = { place: HTMLElement; kind: 'bars' | 'lines'; series: readonly Series[]; format: (value: number) => string; isUtc: boolean };

function optionsOf({ place, kind, series, format, isUtc }: Drawn): uPlot.Options {
  const soft = colourOf(place, '--text-soft');
  const line = colourOf(place, '--line');
  const axis = {
    stroke: soft,
    grid: { stroke: line, width: 1 },
    ticks: { stroke: line, width: 1, size: 4 },
    font: '11px system-ui, sans-serif',
  };
  return {
    width: place.clientWidth,
    height: HEIGHT,
    padding: [8, 20, 0, 0],
    cursor: { points: { size: 6 }, drag: { x: false, y: false } },
    ...(isUtc ? { tzDate: (seconds: number) => uPlot.tzDate(new Date(seconds * 1_000), 'Etc/UTC') } : {}),
    scales: {
      // A bucket begins at its time: the last one needs room behind it.
      x: { range: (plot, least, most) => [least, most + bucketOf(plot)] },
      y: { range: (_, __, most) => [0, most > 0 ? most * 1.1 : 1] },
    },
    axes: [
      { ...axis, size: 34, space: 56, values: timeFormats },
      {
        ...axis,
        size: 58,
        ...(kind === 'bars' ? { incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 1e6] } : {}),
        values: (_, values) => values.map((value) => format(value)),
      },
    ],
    series: [
      { label: 'from', value: (plot, value) => (value === null || value === undefined ? '–' : legendTime(plot, value, isUtc)) },
      ...series.map(({ label, colour }): uPlot.Series => {
        const stroke = colourOf(place, colour);
        const bars = uPlot.paths.bars?.({ size: [0.85, 40], align: 1 });
        return {
          label,
          stroke,
          width: kind === 'bars' ? 0 : 1.8,
          points: { show: kind === 'lines', size: 5, fill: stroke },
          spanGaps: false,
          value: (_, value) => (value === null || value === undefined ? '–' : format(value)),
          ...(kind === 'bars' ? { fill: stroke, ...(bars === undefined ? {} : { paths: bars }) } : {}),
        };
      }),
    ],
  };
}

function bucketOf({ data: [times] }: uPlot): number {
  return (times[1] ?? 1) - (times[0] ?? 0);
}

const MINUTE = 60;
const DAY = 86_400;
/** From which step on a tick is told how, and how when the day, or the year, is another than before. */
const timeFormats: (string | number | null)[][] = [
  [DAY, '{D} {MMM}', '\n{YYYY}', null, null, null, null, null, 1],
  [MINUTE, '{HH}:{mm}', '\n{D} {MMM}', null, '\n{D} {MMM}', null, null, null, 1],
  [1, '{HH}:{mm}:{ss}', '\n{D} {MMM}', null, '\n{D} {MMM}', null, null, null, 1],
];

const legendFormat = uPlot.fmtDate('{YYYY}-{MM}-{DD} {HH}:{mm}:{ss}');

function legendTime(_: uPlot, seconds: number, isUtc: boolean): string {
  const date = new Date(seconds * 1_000);
  return isUtc ? `${legendFormat(uPlot.tzDate(date, 'Etc/UTC'))} UTC` : legendFormat(date);
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
