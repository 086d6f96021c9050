import { describe, expect, test } from 'vitest';
import { createMemoryKeyValue } from '#src/core/memory/memory-key-value.ts';
import { silentLogger } from '#src/core/ports/logger.ts';
import { DEFAULT_STORED_BYTES, type QuotaLimits, quotaKeyOf } from '#src/core/quotas/project-quota.ts';
import { ProjectQuotas } from '#src/core/quotas/project-quotas.ts';
import { createQuotaGuard, type QuotaGuard } from '#src/gateway/quotas/quota-guard.ts';

type Opened = {
  guard: QuotaGuard;
  /** Without an answer from now on. */
  silence: () => void;
  counted: (sequence: number, open: number) => Promise<void>;
  /** Counts these bytes of each project from now on, once a projection is asked again. */
  stored: (bytes: Record<string, number>) => Promise<void>;
  acknowledge: (sequence: number) => void;
};

/** A guard of project `shop`, whose counts of the log are given by the test. Without quotas, no project has one. */
function open(limits: QuotaLimits | undefined, logBytes?: number): Opened {
  const projects = new ProjectQuotas();
  if (limits !== undefined) projects.applyChange({ key: quotaKeyOf('shop'), value: JSON.stringify({ v: 1, ...limits }) });
  let usage = { sequence: 0, open: {} as Record<string, number>, stored: {} as Record<string, number> };
  let acknowledged = 0;
  let isSilent = false;
  let now = 0;
  const waiting: (() => void)[] = [];
  const guard = createQuotaGuard({
    quotas: projects,
    store: createMemoryKeyValue(),
    clock: {
      now: () => now,
      sleep: (ms) =>
        new Promise((resolve) => {
          waiting.push(() => {
            now += ms;
            resolve();
          });
        }),
    },
    logger: silentLogger,
    ownProject: 'own',
    counts: { ask: async () => (isSilent ? Promise.reject(new Error('no projection runs')) : (usage as never)) },
    acknowledged: () => acknowledged,
    logBytes: async () => logBytes,
    signal: new AbortController().signal,
  });
  const turns = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  };
  const look = async (): Promise<void> => {
    await turns();
    for (const resume of waiting.splice(0)) resume();
    await turns();
  };
  return {
    guard,
    silence: () => {
      isSilent = true;
    },
    async counted(sequence, count) {
      usage = { ...usage, sequence, open: { shop: count } };
      await look();
    },
    async stored(bytes) {
      usage = { ...usage, stored: bytes };
      for (let round = 0; round < 30; round++) await look();
    },
    acknowledge: (sequence) => {
      acknowledged = sequence;
    },
  };
}

const admit = async ({ guard }: Opened, count = 1) => await guard.admit('shop=greet', count);

describe('the quota of open invocations', () => {
  test('holds for requests of one moment that the log has not answered', async () => {
    const opened = open({ open: 3 });
    const settled = await Promise.allSettled([1, 2, 3, 4, 5].map(() => admit(opened)));
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected', 'rejected']);
    await expect(admit(opened)).rejects.toThrow(
      'project shop has 3 open invocations; its quota is 3. Nothing was accepted: send again when some have ended, or ask the operator for a larger quota',
    );
  });

  test('counts a request once: by this gateway until the log was counted that far, then by the log', async () => {
    const opened = open({ open: 2 });
    const first = await admit(opened);
    opened.acknowledge(7);
    first?.settle(true);
    await opened.counted(6, 0);
    expect(opened.guard.uses).toMatchObject([{ project: 'shop', open: 1 }]);
    await opened.counted(7, 1);
    expect(opened.guard.uses).toMatchObject([{ project: 'shop', open: 1 }]);
    await opened.counted(8, 0);
    expect(opened.guard.uses).toMatchObject([{ project: 'shop', open: 0 }]);
  });

  test('is free again when a request was refused, or repeated an earlier one', async () => {
    const opened = open({ open: 1 });
    (await admit(opened))?.settle(false);
    (await admit(opened))?.settle(true, 1);
    (await admit(opened))?.settle(false);
    expect(opened.guard.uses).toMatchObject([{ open: 0, refusals: { counts: {} } }]);
  });

  test('concerns its project alone, and the own project without a quota is not counted', async () => {
    const opened = open({ open: 0 });
    await expect(admit(opened)).rejects.toThrow('its quota is 0');
    expect(opened.guard.admit('greet', 1)).toBeUndefined();
    expect(await opened.guard.admit('other=greet', 1)).toBeDefined();
    expect(opened.guard.uses[0]).toMatchObject({ project: 'shop', refusals: { counts: { open: 1 }, at: 0 } });
  });

  test('lets members of a batch wait for the end of an invocation, and refuses them after two seconds', async () => {
    const opened = open({ open: 1 });
    await opened.counted(5, 1);
    const waiting = opened.guard.admitInTurn('shop=greet', 1);
    await opened.counted(6, 0);
    await opened.counted(6, 0);
    expect(await waiting).toBeDefined();
    const refused = Promise.all([1, 2, 3].map(() => expect(opened.guard.admitInTurn('shop=greet', 1)).rejects.toThrow('its quota is 1')));
    for (let round = 0; round < 50; round++) await opened.counted(6, 0);
    await refused;
  });
});

describe('the default of the stored bytes', () => {
  test('refuses another project that fills its part, shows it then, and leaves the own project alone (QUO6)', async () => {
    const opened = open(undefined);
    expect(await admit(opened)).toBeDefined();
    await opened.stored({ shop: DEFAULT_STORED_BYTES - 1, '': DEFAULT_STORED_BYTES });
    expect(await admit(opened)).toBeDefined();
    expect(opened.guard.uses).toMatchObject([{ project: 'shop', quota: { v: 1 } }]);
    expect(opened.guard.uses[0]?.quota.storedBytes).toBeUndefined();
    await opened.stored({ shop: DEFAULT_STORED_BYTES, '': DEFAULT_STORED_BYTES });
    await expect(admit(opened)).rejects.toMatchObject({ code: 'QUOTA_EXCEEDED', quota: 'storedBytes' });
    expect(opened.guard.uses).toMatchObject([{ quota: { storedBytes: DEFAULT_STORED_BYTES }, stored: DEFAULT_STORED_BYTES }]);
    expect(opened.guard.admit('greet', 1)).toBeUndefined();
    expect(await opened.guard.admit('other=greet', 1)).toBeDefined();
  });

  test('is an eighth of a log that has a limit (QUO6)', async () => {
    const opened = open(undefined, 4_000_000);
    await admit(opened);
    await opened.stored({ shop: 499_999 });
    expect(await admit(opened)).toBeDefined();
    await opened.stored({ shop: 500_000 });
    await expect(admit(opened)).rejects.toThrow('project shop stores 500000 bytes in the log and beside it; its quota is 500000');
  });

  test('gives way to the quota that the operator set (QUO6)', async () => {
    const opened = open({ storedBytes: 2 * DEFAULT_STORED_BYTES });
    await opened.stored({ shop: DEFAULT_STORED_BYTES });
    expect(await admit(opened)).toBeDefined();
  });

  test('accepts by the last count when no projection answers (QUO6)', async () => {
    const opened = open(undefined);
    await admit(opened);
    opened.silence();
    for (let round = 0; round < 305; round++) await opened.counted(0, 0);
    expect(await admit(opened)).toBeDefined();
  });
});

describe('a quota without a projection that answers', () => {
  test('holds by the last use and the requests since then, and refuses all requests after a minute (QUO5)', async () => {
    const opened = open({ open: 3 });
    await opened.counted(5, 1);
    opened.silence();
    opened.acknowledge(6);
    (await admit(opened))?.settle(true);
    (await admit(opened))?.settle(true);
    await expect(admit(opened)).rejects.toThrow('project shop has 3 open invocations; its quota is 3');
    for (let round = 0; round < 305; round++) await opened.counted(0, 0);
    await expect(admit(opened)).rejects.toThrow(
      'no projection has said for 61 s what project shop uses of its quota. Nothing was accepted: send again later',
    );
  });

  test('refuses a minute after the start when no projection ever answered (QUO5)', async () => {
    const opened = open({ storedBytes: 1_000 });
    opened.silence();
    (await admit(opened))?.settle(true);
    for (let round = 0; round < 305; round++) await opened.counted(0, 0);
    await expect(admit(opened)).rejects.toMatchObject({ code: 'HISTORY_UNAVAILABLE', retryable: true });
  });

  test('of requests per second is not concerned (QUO5)', async () => {
    const opened = open({ rate: 100 });
    opened.silence();
    for (let round = 0; round < 305; round++) await opened.counted(0, 0);
    expect(await admit(opened)).toBeDefined();
  });
});

describe('the quota of the accept rate', () => {
  test('refuses an array that is larger than the burst with what to do', async () => {
    await expect(admit(open({ rate: 5, burst: 10 }), 11)).rejects.toThrow(
      'this call has 11 requests, and project shop may send 10 at once. Nothing was accepted: send fewer at once, or as a batch of lines',
    );
  });

  test('frees the place among the open invocations when it refuses', async () => {
    const opened = open({ open: 5, rate: 1, burst: 1 });
    (await admit(opened))?.settle(false);
    await expect(admit(opened)).rejects.toMatchObject({
      message: expect.stringContaining('project shop sends more than its quota of 1 requests per second (burst 1)'),
      retryAfterInS: 1,
    });
    expect(opened.guard.uses).toMatchObject([{ open: 0, refusals: { counts: { rate: 1 } } }]);
  });
});
