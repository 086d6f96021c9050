import { describe, expect } from 'vitest';
import { judge } from '#src/judge/judge.ts';
import { writeEvidence } from '#src/judge/write-evidence.ts';
import { test } from '#test/support/fixtures.ts';
import { collectEvidence } from '#test/support/judge/judged-system.ts';
import { INVARIANT } from '#test/support/vitest/test-run.ts';

describe('the judge', () => {
  test('finds every promise kept in the messages, the journals and the results of a running system', async ({
    client,
    log,
    server,
    folder,
  }) => {
    const evidence = await collectEvidence({ client, log, server, folder });
    expect(judge(evidence), INVARIANT).toEqual([]);
    // `test/unit/judge/` plants its faults into evidence that was recorded here.
    const { SEQUENT_RECORD_EVIDENCE: recorded } = process.env;
    if (recorded !== undefined) writeEvidence(recorded, evidence);
  });
});
