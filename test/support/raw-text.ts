/** What a library that parses says about a value, which names no field and no remedy. */
export const rawText =
  /Too (?:small|big)|Invalid (?:input|string|option|key|discriminator|union|URL)|an unexpected error|must match pattern|Unrecognized key|ZodError|\bto have [<>]=|→ at |SyntaxError|in JSON at position|^\s+at .+:\d+:\d+|is not defined|of undefined|\[object /im;
