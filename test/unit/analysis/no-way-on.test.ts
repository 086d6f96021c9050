import { readFileSync, rmSync } from 'node:fs';
import { mkdir, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { describe, expect, test } from 'vitest';
import type { Fact } from '#machines/facts.ts';
import { type Invocation, invocationFolder } from '#machines/invocation.ts';
import { hasWayOn, noWayOnInWords } from '#src/analysis/verify/no-way-on.ts';
import { Verifier } from '#src/analysis/verify/verify.ts';
import { judgeWaysOn } from '#src/cli/commands/doctor/function-findings.ts';
import type { FullLogEntry } from '#src/core/log/event-log.ts';
import { NO_APPENDS } from '#src/core/log/event-log.ts';
import { createMemoryLog } from '#src/core/memory/memory-log.ts';
import type { FunctionName, RequestId, StreamId } from '#src/core/names/names.ts';
import { inLanguage } from '#src/core/text/language.ts';
import { billing, deferred, failed, ID, joined, queued, running, succeeded } from '#test/support/log/facts.ts';

const AT = 100;
const member = { invocation: 'order-2', request: 7 };
const debounce = { keep: 'all', waitInMs: 5_000, maxWaitInMs: 60_000 } as const;
const wait = deferred({ at: AT, flow: { pool: 'function.orders', key: 'a', debounce } });
const closed: Fact = { type: 'debounce.closed', invocation: ID, at: AT, keep: 'all', dueAt: AT, members: [member] };

function stateAfter(...facts: Fact[]): Invocation {
  return facts.reduce((state, fact) => {
    const step = invocationFolder.step(state, fact);
    if (step === undefined) throw new Error(`the machine refuses ${fact.type}`);
    return step.snapshot;
  }, invocationFolder.initial);
}

/** The state after `queued, deferred, debounce.closed, deferred` in the machine that recorded the second wait: it refused every later fact. */
function stoppedForEver(): Invocation {
  const state = stateAfter(queued(), wait, closed);
  return { ...state, context: { ...state.context, waitsFor: { ...wait.flow, since: AT } } };
}

describe('an open invocation', () => {
  test.for<[string, Invocation]>([
    ['that is queued', stateAfter(queued())],
    ['that waits for its group', stateAfter(queued(), wait)],
    ['that leads its group', stateAfter(queued(), wait, closed)],
    ['that leads its group and waited once more', stateAfter(queued(), wait, closed, wait)],
    ['that is a member of a group', stateAfter(queued(), wait, joined({ at: AT, leader: member }))],
    ['that runs', stateAfter(queued(), running(1))],
    ['that succeeded', stateAfter(queued(), running(1), succeeded(1))],
    ['that failed, with a destination', stateAfter(queued(), running(1), failed(1, { destinations: [billing] }))],
  ])('%s has a way on', ([, state]) => {
    expect(hasWayOn(state)).toBe(true);
  });

  test('whose leader waits for its own group has no way on, and can only be cancelled', () => {
    const state = stoppedForEver();
    expect(hasWayOn(state)).toBe(false);
    expect(invocationFolder.accepts(state, failed(0, { condition: 'InvocationCanceled' }))).toBe(true);
  });
});

/** A log with the request and these facts, one append for each. */
async function logWith(...facts: readonly Fact[]): Promise<readonly FullLogEntry[]> {
  const log = createMemoryLog({ clock: { now: () => AT } });
  const name = { function: 'orders' as FunctionName, stream: ID as string as StreamId };
  const { sequence } = await log.accept(name, [{ id: ID as RequestId, payload: '{}' }]);
  let previous = NO_APPENDS;
  for (const [index, fact] of facts.entries()) {
    const stored = await log.append(name, { id: `a-${index}`, by: 'test', request: sequence, previous, facts: [fact] }, {});
    previous = stored?.version ?? previous;
  }
  return log.entries;
}

/** The verifier of a version whose machine recorded a wait for a group that is closed. */
async function importFormerVerifier(): Promise<typeof Verifier> {
  const mend = 'if (flow.debounce !== undefined && context.group !== null) return {};';
  const former: Plugin = {
    name: 'former machine',
    setup: ({ onLoad }) =>
      onLoad({ filter: /machines\/invocation\.ts$/ }, ({ path }) => {
        const text = readFileSync(path, 'utf8');
        if (!text.includes(mend)) throw new Error('the machine has changed: adapt the test');
        return { contents: text.replace(mend, ''), loader: 'ts' };
      }),
  };
  await mkdir(join('node_modules', '.cache'), { recursive: true });
  const folder = await mkdtemp(join('node_modules', '.cache', 'former-'));
  const outfile = join(process.cwd(), folder, 'verify.mjs');
  try {
    const common = { bundle: true, packages: 'external', format: 'esm', platform: 'node', logLevel: 'warning' } as const;
    await build({ entryPoints: ['src/analysis/verify/verify.ts'], outfile, plugins: [former], ...common });
    return ((await import(outfile)) as { Verifier: typeof Verifier }).Verifier;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('verify', () => {
  const stopped = [wait, closed, wait];

  async function kindsIn(Verifying: typeof Verifier): Promise<string[]> {
    const verifier = new Verifying();
    for (const entry of await logWith(...stopped)) verifier.read(entry);
    return verifier.finish().findings.map(({ kind, invocation }) => `${kind} ${invocation}`);
  }

  test('of a version whose machine stops at a second wait for a group names the stream', async () => {
    expect(await kindsIn(await importFormerVerifier())).toContain(`no-way-on ${ID}`);
  });

  test('of this version names no such stream, because its machine leads the stream on', async () => {
    expect(await kindsIn(Verifier)).not.toContain(`no-way-on ${ID}`);
  });
});

describe('doctor', () => {
  const found = () => judgeWaysOn([{ id: ID, function: 'orders', why: noWayOnInWords(stoppedForEver()) }]);

  test('names an invocation without a way on, and how to end it', () => {
    expect(found()).toEqual([
      {
        level: 'problem',
        check: `invocation ${ID}`,
        seen: 'orders: it is queued, and the machine accepts no fact that leads it on; cancel it and request it again',
        remedy: `sequent cancel ${ID} --function orders`,
      },
    ]);
  });

  test('says so in Chinese', () => {
    const [finding] = inLanguage('zh-CN', found);
    expect([finding?.check, finding?.seen]).toEqual([`调用 ${ID}`, expect.stringContaining('状态机不接受任何使其继续的事实')]);
  });
});
