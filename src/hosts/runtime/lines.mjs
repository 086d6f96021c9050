/** A line up to this length is always accepted. */
const SHORT_LINE = 65_536;
/** How much of its beginning tells what a longer line is. */
const START = 32;

/**
 * Splits a stream of text into lines. A line costs one join, however many chunks it spans.
 *
 * `accept` is false once an incomplete line is longer than `isAllowed` permits by its beginning. The line is dropped then.
 */
export function splitLines(onLine, isAllowed = () => true) {
  let parts = [];
  let length = 0;
  let start = '';
  function finish(end) {
    parts.push(end);
    const line = parts.length === 1 ? end : parts.join('');
    parts = [];
    length = 0;
    start = '';
    onLine(line);
  }
  function keep(rest) {
    parts.push(rest);
    length += rest.length;
    if (start.length < START) start += rest.slice(0, START);
    if (length <= SHORT_LINE || isAllowed(start, length)) return true;
    parts = [];
    return false;
  }
  return function accept(chunk) {
    let from = 0;
    for (let end = chunk.indexOf('\n'); end >= 0; end = chunk.indexOf('\n', from)) {
      finish(chunk.slice(from, end));
      from = end + 1;
    }
    return from === chunk.length || keep(from === 0 ? chunk : chunk.slice(from));
  };
}
