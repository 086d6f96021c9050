import { accepts } from 'hono/accepts';
import { type Language, languageOf } from '#src/core/text/language.ts';
import type { Call } from '#src/gateway/ports.ts';

/** The language that the caller prefers, by `Accept-Language`. */
export function languageOfCall(call: Call): Language {
  return accepts(call, {
    header: 'Accept-Language',
    supports: [],
    default: 'en',
    // Hono has sorted them by their quality.
    match: (accepted) => languageOf(accepted.filter(({ q }) => q > 0).map(({ type }) => type)),
  }) as Language;
}
