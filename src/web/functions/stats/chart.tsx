import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { t } from '../../shell/language.ts';
import { theme, zone } from '../../shell/settings.ts';
import { useStore } from '../../shell/store.ts';
import { chartOptions, HEIGHT, type Series } from './chart-options.ts';
import 'uplot/dist/uPlot.min.css';

type ChartProps = {
  title: string;
  /** The start of each bucket, in seconds since the epoch. */
  times: readonly number[];
  kind: 'bars' | 'lines';
  series: readonly Series[];
  format: (value: number) => string;
};

/** A chart of numbers over time, with a summary for screen readers. It is redrawn when the theme changes. Without times, its place is empty. */
export function Chart(props: ChartProps) {
  const { title, times, series, format } = props;
  const isEmpty = series.every(({ values }) => values.every((value) => value === null || value === 0));
  return (
    <figure class="chart-card">
      <figcaption>{title}</figcaption>
      {isEmpty || times.length === 0 ? (
        <p class="chart-empty">{times.length === 0 ? '' : t('no values in this time range')}</p>
      ) : (
        <>
          <Plot {...props} />
          <p class="unseen">{summaryOf(series, format)}</p>
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
  const labels = series.map(({ label }) => label).join();

  useEffect(() => {
    const { current: container } = frame;
    if (container === null) return;
    const draw = (): void => {
      plot.current?.destroy();
      const { series: lines } = content.current;
      const options = chartOptions({ container, kind, series: lines, format, isUtc: chosenZone === 'utc' });
      plot.current = new uPlot(options, alignedOf(content.current), container);
    };
    draw();
    const resizeObserver = new ResizeObserver(() => plot.current?.setSize({ width: container.clientWidth, height: HEIGHT }));
    resizeObserver.observe(container);
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    scheme.addEventListener('change', draw);
    return () => {
      scheme.removeEventListener('change', draw);
      resizeObserver.disconnect();
      plot.current?.destroy();
      plot.current = undefined;
    };
  }, [kind, labels, chosenTheme, chosenZone]);

  useEffect(() => {
    plot.current?.setData(alignedOf({ times, series }));
  }, [times, series]);
  return <div ref={frame} class="chart" aria-hidden="true" />;
}

function alignedOf({ times, series }: { times: readonly number[]; series: readonly Series[] }): uPlot.AlignedData {
  return [[...times], ...series.map(({ values }) => [...values])];
}

function summaryOf(series: readonly Series[], format: (value: number) => string): string {
  const highest = series.map(({ label, values }) => {
    const numbers = values.filter((value) => value !== null);
    return numbers.length === 0
      ? t('{label}: no values', { label })
      : t('{label}: at most {value}', { label, value: format(Math.max(...numbers)) });
  });
  return highest.join(t(', '));
}
