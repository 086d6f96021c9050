const UNITS = [
  ['GB', 1_024 ** 3],
  ['MB', 1_024 ** 2],
  ['KB', 1_024],
] as const;

/** The bytes of a size such as `512KB`, `1.5MB`, `64 MB` or `100B`; a bare number is bytes. `undefined` if the text is no size. */
export function parseSize(text: string): number | undefined {
  const [, amount, unit = 'B'] = /^(\d{1,15}(?:\.\d{1,6})?)\s*(B|KB|MB|GB)?$/i.exec(text.trim()) ?? [];
  if (amount === undefined) return undefined;
  const bytes = Number(amount) * (UNITS.find(([name]) => name === unit.toUpperCase())?.[1] ?? 1);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** A size as it is typed, exactly: in the largest unit that divides it. */
export function sizeText(bytes: number): string {
  const [unit, size] = UNITS.find(([, one]) => bytes >= one && bytes % one === 0) ?? ['B', 1];
  return `${bytes / size}${unit}`;
}
