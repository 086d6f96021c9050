import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { stormSubject } from '#src/core/names/subjects.ts';
import { judge } from '#src/judge/judge.ts';
import { readEvidence } from '#test/judge/recorded.ts';
import { runCli } from '#test/support/cli/cli.ts';
import { startSequent } from '#test/support/cli/processes/sequent-process.ts';
import { startGuardedServer } from '#test/support/nats/guarded-server.ts';
import { sharedByFile } from '#test/support/shared-by-file.ts';

/* A storm of a user who may not subscribe to the subject of its executions, as users of an earlier version. */

async function open() {
  const data = await mkdtemp(join(tmpdir(), 'sequent-storm-'));
  const guarded = await startGuardedServer({ sequent: {}, earlier: { subscribe: { deny: [stormSubject('*')] } } });
  const sequent = await startSequent(['--http-port', '0'], { NATS_URL: guarded.urlAs('sequent'), SEQUENT_DATA: data });
  const env = { NATS_URL: guarded.urlAs('earlier'), SEQUENT_DATA: data };
  return {
    async storm(to: string) {
      const { code, stdout, stderr } = await runCli(['storm', '--minutes', '0.05', '--rate', '60', '--to', to, '--json'], { env });
      return { code, stderr, results: JSON.parse(stdout), evidence: readEvidence(join(to, 'evidence.jsonl')) };
    },
    async [Symbol.asyncDispose]() {
      await sequent[Symbol.asyncDispose]();
      await guarded[Symbol.asyncDispose]();
      await rm(data, { recursive: true, force: true });
    },
  };
}
const test = sharedByFile(open);

const WARNING = /executions are not judged: the workers do not reach this command on the subject fn\.sequent-storm\.\w+/;

describe('sequent storm that no execution reaches', () => {
  test('warns, judges everything but executions, and exits with 0', { timeout: 240_000 }, async ({ sequent, folder }) => {
    const { code, stderr, results, evidence } = await sequent.storm(join(folder, 'results'));
    expect({ code, stderr, anomalies: results.anomalies }).toEqual({ code: 0, stderr: expect.stringMatching(WARNING), anomalies: {} });
    expect(results.stats.byF.submit.ok).toBeGreaterThan(100);
    expect(results.log.attempts).toBeGreaterThan(results.stats.byF.submit.ok);
    expect(results.executions).toBeNull();
    expect(evidence.executions).toBeUndefined();
    // What is left of the evidence is judged: here the log has lost everything.
    expect(judge({ ...evidence, log: [] })).toContainEqual(
      expect.stringMatching(/^E4: .* was acknowledged, and the log does not hold it$/),
    );
  });
});
