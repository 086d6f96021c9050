import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { theme, zone } from '../shell/settings.ts';
import { useStore } from '../shell/store.ts';
import 'uplot/dist/uPlot.min.css';

type Series = { label: string; values: readonly (number | null)[]; colour: string };
type ChartProps = {
  title: string;
  times: readonly number[];
  kind: 'bars' | 'lines';
  series: readonly Series[];
  format: (value: number) => string;
};

const HEIGHT = 190;

/** Numbers over time. Its colours are those of the page, and are read again when the page changes its own. */
export function Chart({ title, times, kind, series, format }: ChartProps) {
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
      const { times: present, series: lines } = content.current;
      const options = optionsOf({ place, kind, series: lines, format, isUtc: chosenZone === 'utc' });
      plot.current = new uPlot(options, [[...present], ...lines.map(({ values }) => [...values])] as uPlot.AlignedData, place);
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
    plot.current?.setData([[...times], ...series.map(({ values }) => [...values])] as uPlot.AlignedData);
  }, [times, series]);
  return (
    <figure class="chart-card">
      <figcaption>{title}</figcaption>
      <div ref={frame} role="img" aria-label={inWords(title, series, format)} />
    </figure>
  );
}

function inWords(title: string, series: readonly Series[], format: (value: number) => string): string {
  const highest = series.map(({ label, values }) => {
    const numbers = values.filter((value) => value !== null);
    return `${label} ${numbers.length === 0 ? 'nothing' : `at most ${format(Math.max(...numbers))}`}`;
  });
  return `${title}: ${highest.join(', ')}`;
}

type Drawn = { place: HTMLElement; kind: 'bars' | 'lines'; series: readonly Series[]; format: (value: number) => string; isUtc: boolean };

function optionsOf({ place, kind, series, format, isUtc }: Drawn): uPlot.Options {
  const soft = colourOf(place, '--text-soft');
  const line = colourOf(place, '--line');
  const axis = { stroke: soft, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 }, font: '11px system-ui, sans-serif' };
  return {
    width: place.clientWidth,
    height: HEIGHT,
    cursor: { points: { size: 6 } },
    ...(isUtc ? { tzDate: (seconds: number) => uPlot.tzDate(new Date(seconds * 1_000), 'Etc/UTC') } : {}),
    legend: { live: true },
    scales: { y: { range: (_, __, max) => [0, max > 0 ? max * 1.1 : 1] } },
    axes: [
      axis,
      {
        ...axis,
        size: 62,
        values: (_, values) => values.map((value) => (Number.isInteger(value) || kind === 'lines' ? format(value) : '')),
      },
    ],
    series: [
      {},
      ...series.map(({ label, colour }): uPlot.Series => {
        const stroke = colourOf(place, colour);
        const bars = uPlot.paths.bars?.({ size: [0.7, 40] });
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

/** What a custom property comes to here and now. */
function colourOf(place: HTMLElement, property: string): string {
  const probe = document.createElement('i');
  probe.style.color = `var(${property})`;
  place.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
