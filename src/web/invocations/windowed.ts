import type { RefObject } from 'preact';
import { useEffect, useState } from 'preact/hooks';

const SPARE_ROWS = 8;

/** Which rows of a long list lie in sight, as the window scrolls. All rows are equally high. */
export function useWindowed(list: RefObject<HTMLElement>, count: number, rowHeight: number): { start: number; end: number } {
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
    const soon = (): void => {
      frame ||= requestAnimationFrame(measure);
    };
    measure();
    addEventListener('scroll', soon, { passive: true });
    addEventListener('resize', soon);
    return () => {
      cancelAnimationFrame(frame);
      removeEventListener('scroll', soon);
      removeEventListener('resize', soon);
    };
  }, [list, count, rowHeight]);
  return range;
}

/** Whether the window is that narrow now. */
export function useNarrow(query = '(max-width: 719px)'): boolean {
  const [isNarrow, setIsNarrow] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const media = matchMedia(query);
    const told = (): void => setIsNarrow(media.matches);
    media.addEventListener('change', told);
    return () => media.removeEventListener('change', told);
  }, [query]);
  return isNarrow;
}
