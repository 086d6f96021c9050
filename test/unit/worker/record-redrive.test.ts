import { describe, expect, test } from 'vitest';
import type { Fact } from '#machines/facts.ts';
import { Verifier } from '#src/analysis/verify/verify.ts';
import type { FullLogEntry, StreamName } from '#src/core/log/event-log.ts';
import { redriveIdOf } from '#src/core/names/delivery-ids.ts';
import { idAt, streamOf } from '#src/core/names/ids.ts';
import { until } from '#test/support/log/opened-log.ts';
import { openMemoryWorkers } from '#test/support/worker/memory-workers.ts';

/** An invocation that ended, and its redrive by a requester that died before it recorded the redrive. */
async function openUnrecorded() {
  const { log, work, addWorker, accept, close } = await openMemoryWorkers();
  const name = await accept();
  const worker = addWorker('one', () => 'done');
  await until(() => log.results.published.length === 1 && work.inFlight === 0);
  const origin = idAt(name.stream, 0);
  const redrive = redriveIdOf(origin, 1);
  await log.accept({ ...name, stream: streamOf(redrive) }, [{ id: redrive, payload: '{}', redriveOf: origin, once: true }]);
  const unrecorded = [...log.entries];
  await until(() => log.results.published.length === 2 && work.inFlight === 0);
  await close([worker]);
  return { log, name, origin, redrive, unrecorded };
}

const factsOf = (entries: readonly FullLogEntry[], { stream }: StreamName): Fact[] =>
  entries.flatMap((entry) => (entry.kind === 'append' && entry.name.stream === stream ? entry.append.facts : []));

describe('a redrive whose requester died before it recorded the redrive (RDR1)', () => {
  test('is recorded by the worker of the redrive, once', async () => {
    const { log, name, origin, redrive } = await openUnrecorded();
    const redriven = factsOf(log.entries, name).filter(({ type }) => type === 'redriven');
    expect(redriven).toMatchObject([{ invocation: origin, redrive }]);
    expect(redriven[0]).not.toHaveProperty('isEarly');
  });

  test('is a finding of a verification a minute later, which names the invocation', async () => {
    const { name, origin, redrive, unrecorded } = await openUnrecorded();
    const last = unrecorded.at(-1) as FullLogEntry;
    const kinds = (at: number) => {
      const verifier = new Verifier();
      for (const entry of unrecorded) verifier.read(entry);
      verifier.read({ ...last, kind: 'hint', sequence: last.sequence + 1, at } as FullLogEntry);
      return verifier.finish().findings;
    };
    expect(kinds(last.at + 59_000)).toEqual([]);
    expect(kinds(last.at + 60_000)).toMatchObject([
      {
        kind: 'unrecorded-redrive',
        rule: 'RDR1',
        sequence: last.sequence,
        invocation: origin,
        function: name.function,
        what: expect.stringContaining(redrive),
      },
    ]);
  });
});
