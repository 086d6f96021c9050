import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { parseJson } from '#src/core/json/json.ts';
import { logLossSchema, logMarkSchema } from '#src/core/log/losses/log-loss.ts';
import type { LossFile } from '#src/core/log/losses/loss-watch.ts';

const schema = z.object({ marks: z.array(logMarkSchema), losses: z.array(logLossSchema) });

/**
 * The watermarks of the log, in the data folder and not in the store of the log, which loses its end in a power cut.
 *
 * The file is synced. Processes that share the folder write the same file: all of them note the end of the same log.
 */
export function createLossFile(dataDir: string): LossFile {
  const path = join(dataDir, 'log-watermarks.json');
  return {
    async read() {
      const text = await readFile(path, 'utf8').catch(() => '');
      return schema.safeParse(parseJson(text)).data;
    },
    async write(memory) {
      await mkdir(dirname(path), { recursive: true });
      const temporary = `${path}.${process.pid}.new`;
      const file = await open(temporary, 'w', 0o600);
      try {
        await file.writeFile(JSON.stringify(memory));
        await file.datasync();
      } finally {
        await file.close();
      }
      await rename(temporary, path);
    },
  };
}
