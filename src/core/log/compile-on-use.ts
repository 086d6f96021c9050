import { z } from 'zod';

/**
 * Compiles a schema when it is used first. A compiled schema parses faster (docs/performance.md H10), and its compilation would delay every
 * command, most of which read no message of the log.
 */
export function compileOnUse<Schema extends z.core.SomeType>(schema: Schema): () => Schema {
  let compiled: Schema | undefined;
  return () => {
    compiled ??= z.compile(schema);
    return compiled;
  };
}
