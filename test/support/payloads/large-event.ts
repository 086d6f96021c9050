/** An event of a size in bytes, as JSON text. */
export function eventOf(bytes: number, mark = 'x'): string {
  const start = `{"mark":"${mark}","text":"`;
  return `${start}${'é'.repeat((bytes - start.length - 2) / 2).padEnd(1)}"}`;
}
