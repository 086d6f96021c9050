/** Line icons of 16 × 16. A word always accompanies an icon, so icons are hidden from screen readers. */
const shapes = {
  queued: 'M8 2.5a5.5 5.5 0 1 1 0 11a5.5 5.5 0 0 1 0-11M8 5v3.2l2 1.3',
  running: 'M5.5 3.6v8.8l6.6-4.4z',
  retrying: 'M13 8a5 5 0 1 1-1.6-3.7M13 2.5v2.6h-2.6',
  succeeded: 'M3.5 8.4l3 3 6-6.6',
  failed: 'M4.2 4.2l7.6 7.6M11.8 4.2l-7.6 7.6',
  discarded: 'M8 2.5a5.5 5.5 0 1 1 0 11a5.5 5.5 0 0 1 0-11M4.2 11.8l7.6-7.6',
  notified: 'M3 11.5h10l-1.2-1.7V7a3.8 3.8 0 0 0-7.6 0v2.8zM6.8 13.4a1.4 1.4 0 0 0 2.4 0',
  delivering: 'M2.5 8h10M9 4.5L12.5 8L9 11.5',
  dead: 'M5 13v-2.2A4.8 4.8 0 1 1 11 10.800V13zM6.2 7h.02M9.8 7h.02',
  redriven: 'M3 8a5 5 0 1 0 1.6-3.700M3 2.500v2.600h2.6',
  search: 'M7 2.800a4.2 4.2 0 1 1 0 8.400a4.2 4.2 0 0 1 0-8.400M10.2 10.200l3.3 3.3',
  copy: 'M5.5 5.500h7v7h-7zM3.5 10.500v-7h7',
  pause: 'M5.5 3.500v9M10.5 3.500v9',
  play: 'M5 3.500v9l7-4.500z',
  previous: 'M11 3.500v9l-6-4.500zM4 3.500v9',
  next: 'M5 3.500v9l6-4.500zM12 3.500v9',
  live: 'M8 6.500a1.5 1.5 0 1 1 0 3a1.5 1.5 0 0 1 0-3M4.5 4.500a5 5 0 0 0 0 7M11.5 4.500a5 5 0 0 1 0 7',
  sun: 'M8 5.200a2.8 2.8 0 1 1 0 5.600a2.8 2.8 0 0 1 0-5.600M8 1.500v1.300M8 13.200v1.300M1.5 8h1.300M13.2 8h1.300M3.4 3.400l.9.9M11.7 11.700l.9.9M12.6 3.400l-.9.9M4.3 11.700l-.9.9',
  moon: 'M13 9.600A5.5 5.5 0 0 1 6.4 3a5.5 5.5 0 1 0 6.6 6.600z',
  system: 'M2.5 3.500h11v7.500h-11zM6 13.500h4M8 11v2.5',
  close: 'M4 4l8 8M12 4l-8 8',
  alert: 'M8 2.500l6 10.500h-12zM8 6.500v3M8 11.300h.02',
  down: 'M4 6l4 4l4-4',
  up: 'M4 10l4-4l4 4',
  back: 'M10 3.500L5.5 8l4.5 4.5',
  clock: 'M8 2.500a5.5 5.5 0 1 1 0 11a5.5 5.5 0 0 1 0-11M8 5v3.200l2 1.3',
  keyboard: 'M1.8 4.500h12.400v7h-12.400zM4.3 7h.02M6.8 7h.02M9.3 7h.02M11.7 7h.02M5 9.300h6',
  download: 'M8 2.500v7.500M4.8 7L8 10.200L11.2 7M3 13h10',
  link: 'M6.8 9.200l2.4-2.400M7.5 5l1.3-1.300a2.5 2.5 0 0 1 3.5 3.500L11 8.500M8.5 11l-1.3 1.300a2.5 2.5 0 0 1-3.5-3.500L5 7.5',
} as const;
export type IconName = keyof typeof shapes;

export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={shapes[name]} />
    </svg>
  );
}

/** The path data of an icon, for use inside another SVG. */
export function iconPath(name: IconName): string {
  return shapes[name];
}
