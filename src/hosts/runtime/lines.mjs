/** Splits a stream of text into lines. A line costs one join, however many chunks it spans. */
export function splitLines(onLine, limit = Number.POSITIVE_INFINITY) {
  let parts = [];
  let length = 0;
  return function accept(chunk) {
    let from = 0;
    for (let end = chunk.indexOf('\n'); end >= 0; end = chunk.indexOf('\n', from)) {
      parts.push(chunk.slice(from, end));
      const line = parts.length === 1 ? parts[0] : parts.join('');
      parts = [];
      length = 0;
      from = end + 1;
      onLine(line);
    }
    if (from === chunk.length) return true;
    parts.push(from === 0 ? chunk : chunk.slice(from));
    length += chunk.length - from;
    return length <= limit;
  };
}
