import type { RefObject } from 'preact';
import { useEffect, useState } from 'preact/hooks';

const SPARE_ROWS = 8;

/** The range of rows of a long list that are visible in the window, with some spare ones. All rows have the same height. */
export function useVisibleRows(list: RefObject<HTMLElement>, count: number, rowHeight: number): { start: number; end: number } {
  const [range, setRange] = useState({ start: 0, end: 40 });
  useEffect(() => {
    let frame = 0;
    const measure = (): void => {
      frame = 0;
      const top = list.current?.getBoundingClientRect().top ?? 0;
      const start = Math.max(0, Math.floor(-top / rowHeight) - SPARE_ROWS);
      const end = Math.min(count, Math.ceil((innerHeight - top) / rowHeight) + SPARE_ROWS);
      setRange((present) => (present.start === start && present.end === end ? present : { start, end }));
    };
    const measureSoon = (): void => {
      frame ||= requestAnimationFrame(measure);
    };
    measure();
    addEventListener('scroll', measureSoon, { passive: true });
    addEventListener('resize', measureSoon);
    return () => {
      cancelAnimationFrame(frame);
      removeEventListener('scroll', measureSoon);
      removeEventListener('resize', measureSoon);
    };
  }, [list, count, rowHeight]);
  return range;
}
