/** A token of RFC 9110. `node:http` and `fetch` throw for any other name. */
const token = /^[!#$%&'*+.^_`|~\dA-Za-z-]{1,256}$/;

/** Whether a text can be the name of a header of HTTP. */
export function isHeaderName(text: string): boolean {
  return token.test(text);
}

/** Whether a text can be the value of a header: one line of printable ASCII characters. Line breaks would add another header. */
export function isHeaderValue(text: string): boolean {
  return /^[\t\x20-\x7e]*$/.test(text);
}
