import { useEffect, useState } from 'preact/hooks';

/** Whether the media query matches now; by default, whether the window is narrower than 720 px. */
export function useNarrow(query = '(max-width: 719px)'): boolean {
  const [isNarrow, setIsNarrow] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const media = matchMedia(query);
    const update = (): void => setIsNarrow(media.matches);
    media.addEventListener('change', update);
    return () => media.removeEventListener('change', update);
  }, [query]);
  return isNarrow;
}
