import { InvalidArgumentError } from 'commander';

const units: Readonly<Record<string, number>> = { KB: 1_024, MB: 1_024 ** 2, GB: 1_024 ** 3 };

/** Reads `512KB`, `64MB`, or a number of bytes, as bytes. Throws commander's error. */
export function parseSize(text: string): number {
  const [, number = '', unit = ''] = /^(\d{1,12})(KB|MB|GB)?$/i.exec(text.trim()) ?? [];
  const bytes = Number(number) * (units[unit.toUpperCase()] ?? 1);
  if (number !== '' && Number.isSafeInteger(bytes)) return bytes;
  throw new InvalidArgumentError('Write the size as 512KB or 64MB; a bare number is bytes.');
}
