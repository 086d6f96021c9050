import { basename } from 'node:path';
import { say } from '#src/cli/texts/say.ts';
import type { Handler } from '#src/core/functions/definition.ts';

/** The handler of a function, short enough for a table. */
export function describeHandler(handler: Handler): string {
  switch (handler.kind) {
    case 'process':
      return `${handler.package === undefined ? basename(handler.file) : handler.file}${handler.export === 'handler' ? '' : `#${handler.export}`}`;
    case 'subject':
      return handler.subject;
    case 'http':
      return handler.url;
    case 'inline':
      return say('in your own worker');
  }
}
