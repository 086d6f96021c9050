import type { RefObject } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';

/** How far from its end a list counts as read to the end. */
const NEAR_THE_END_IN_PX = 24;

/** New lines scroll into view unless the reader scrolled up. The returned reference is for an element behind the last line. */
export function useNewestInView(lines: unknown): RefObject<HTMLDivElement | null> {
  const end = useRef<HTMLDivElement>(null);
  const height = useRef(0);
  useLayoutEffect(() => {
    const frame = end.current?.parentElement;
    if (!frame) return;
    if (frame.scrollTop + frame.clientHeight >= height.current - NEAR_THE_END_IN_PX) frame.scrollTop = frame.scrollHeight;
    height.current = frame.scrollHeight;
  }, [lines]);
  return end;
}
