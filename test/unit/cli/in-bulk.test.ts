import { expect, test } from 'vitest';
import { bulkTexts } from '#src/cli/bulk/bulk-texts.ts';
import { type BulkOptions, inBulk } from '#src/cli/bulk/in-bulk.ts';
import type { RecordedBulk } from '#src/cli/bulk/recorded-bulk.ts';
import { resultOfRedrive } from '#src/cli/bulk/redrive-result.ts';
import type { Call } from '#src/cli/call.ts';

test('an invocation that another caller redrove is left out: it is shown, recorded, and no failure', async () => {
  const lines = { out: [] as string[], err: [] as string[] };
  const streamOf = (name: keyof typeof lines) => ({ line: (text: string) => void lines[name].push(text), paint: { dim: String } });
  const terminal = { out: streamOf('out'), err: streamOf('err'), canAsk: false };
  const call = { args: [], options: { yes: true }, format: 'table', terminal } as unknown as Call<BulkOptions>;
  const recorded: string[] = [];
  const note = (what: string) => async () => void recorded.push(what);
  const record: RecordedBulk = {
    id: 'bulk-1',
    isAborted: false,
    done: note('done'),
    leftOut: note('left out'),
    failed: note('failed'),
    end: note('end'),
  };
  const code = await inBulk<string>(call, {
    items: ['order-1', 'order-2'],
    texts: bulkTexts.runAgain,
    nameOf: (id) => id,
    toJson: (id) => ({ id }),
    record: async () => record,
    perform: async (id) => resultOfRedrive(id === 'order-1' ? undefined : `${id}-again`),
  });
  expect([code, recorded]).toEqual([0, ['left out', 'done', 'end']]);
  expect(lines.out).toEqual(['order-1  was redriven before, and is left out', 'order-2  runs again as order-2-again']);
  expect(lines.err.slice(1)).toEqual(['1 failed invocation run again', '1 left out']);
});
