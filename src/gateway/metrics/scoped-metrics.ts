import type { Scope } from '../scope.ts';

/**
 * The metrics that a caller may see, in the text format of Prometheus: the series of its functions, under their bare names. Series
 * without a function, such as the HTTP requests, are visible to the own project only.
 */
export function scopeMetrics(text: string, { isOpen, owns, nameOf }: Scope, isOwnProject: boolean): string {
  if (isOpen) return text;
  return text
    .split('\n')
    .flatMap((line) => {
      if (line === '' || line.startsWith('#')) return [line];
      const token = /[{,]function="([^"\\]*)"/.exec(line)?.[1];
      if (token === undefined) return isOwnProject ? [line] : [];
      return owns(token) ? [line.replace(`function="${token}"`, `function="${nameOf(token)}"`)] : [];
    })
    .join('\n');
}
