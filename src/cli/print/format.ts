export function formatBytes(bytes: number): string {
  if (bytes < 1_024) return `${bytes} B`;
  const power = Math.min(4, Math.floor(Math.log2(bytes) / 10));
  return `${(bytes / 1_024 ** power).toFixed(1)} ${['B', 'KB', 'MB', 'GB', 'TB'][power]}`;
}

/** The time of day of this machine's time zone, to the millisecond. */
export function formatTimeOfDay(at: number): string {
  const date = new Date(at);
  return `${timeOf(date)}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}

/** The date and time of this machine's time zone, to the second. */
export function formatMoment(at: number): string {
  const date = new Date(at);
  return `${date.getFullYear()}-${twoDigits(date.getMonth() + 1)}-${twoDigits(date.getDate())} ${timeOf(date)}`;
}

function timeOf(date: Date): string {
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map(twoDigits).join(':');
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}
