// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts are source code

import type { TurnKind } from '../plan.ts';
import { consumerMutations } from './consumer-mutations.ts';
import { flowMutations } from './flow-mutations.ts';
import { projectionMutations } from './projection-mutations.ts';
import { slotMutations } from './slot-mutations.ts';

/** A deliberate breakage of the protocol: texts of the sources that are replaced. Each text must stand in its file exactly once. */
export type Mutation = {
  name: string;
  breaks: string;
  edits: readonly Edit[];
  /** Only a log that lost messages shows the breakage: all simulated worlds have power cuts. */
  needsPowerCuts?: boolean;
  /** Only schedulers with a slow store show the breakage: all simulated worlds have schedules. */
  needsSchedules?: boolean;
  /** All simulated worlds have batches. */
  needsBatches?: boolean;
  /** The first world of a kind that shows the breakage, and the distance to the next one: `[86, 128]` are crowds whose workers have one place. */
  worlds?: readonly [number, number];
  /** The first world that finds it. Without one, the worlds from the first seed on are searched. */
  seed?: number;
  /** The large world that finds it. */
  large?: 'keys' | 'ranks' | `turns-${TurnKind}`;
};
type Edit = { file: string; from: string; to: string };

const run = 'src/worker/attempt/stream-run.ts';
const machine = 'machines/invocation.ts';

export const mutations: readonly Mutation[] = [
  {
    name: 'fence removed',
    breaks: 'EXEC2: the result of a lost attempt ends the next one',
    edits: [
      { file: run, from: "if (current?.context.attempts !== attempt) return 'again';", to: "if (current === undefined) return 'again';" },
    ],
  },
  {
    name: 'fence of the machine removed',
    breaks: 'E5: the result of a lost attempt is appended while the next one runs',
    edits: [
      {
        file: machine,
        from: "settlesCurrentAttempt: ({ context, event }) => 'attempt' in event && event.attempt === context.attempts,",
        to: "settlesCurrentAttempt: ({ event }) => 'attempt' in event,",
      },
    ],
  },
  {
    name: 'append after effect',
    breaks: 'E1: the function runs before its attempt is in the log',
    edits: [
      {
        file: run,
        from: 'const effects = await this.#writer.propose(step.fact.invocation, [step.fact]);',
        to: 'const early = executeAttempt(this.#options, held, request, step);\n        const effects = await this.#writer.propose(step.fact.invocation, [step.fact]);',
      },
      {
        file: run,
        from: 'result = await executeAttempt(this.#options, held, this.#groups?.withEvents(request) ?? request, step);',
        to: 'result = await early;',
      },
    ],
  },
  {
    name: 'first try before its append',
    breaks: 'E1: a delivery is tried before its try is in the log',
    edits: [
      {
        file: 'src/destinations/tries/delivery-run.ts',
        from: 'const effects = await this.#propose(next, started);',
        to: "const proposed = this.#propose(next, started);\n    await tries.make(next, admitted, this.#writer);\n    const effects = (await proposed)?.filter((effect) => effect !== 'deliver');",
      },
    ],
  },
  {
    name: 'acknowledgement before durability',
    breaks: 'ITEM2: an item is acknowledged when its run starts',
    edits: [
      {
        file: 'src/core/stream/active-streams.ts',
        from: "let result: RunResult = 'left-unacked';",
        to: "let result: RunResult = 'left-unacked';\n    item.ack();",
      },
    ],
  },
  {
    name: 'stale version accepted',
    breaks: 'E3: an append is stored whatever version it expects',
    edits: [
      {
        file: 'src/core/memory/memory-log.ts',
        from: 'if (present !== append.previous) return undefined;',
        to: 'if (present > append.previous + 60) return undefined;',
      },
    ],
  },
  {
    name: 'conflict not judged again',
    breaks: 'PROP3: a proposal is taken for appended after a conflict',
    edits: [
      {
        file: 'src/core/stream/stream-writer.ts',
        from: 'if (stored === undefined) return this.#catchUpAfterConflict(base, judgement);',
        to: 'if (stored === undefined) {\n        for (const { proposal, effects } of judgement.accepted) proposal.resolve(effects);\n        return this.#read().then(() => {});\n      }',
      },
    ],
  },
  {
    name: 'notified twice',
    breaks: 'E4: the machine accepts a second notified',
    edits: [
      {
        file: machine,
        from: '// A redriven delivery changes neither the outcome nor this state.',
        to: "notified: { actions: 'recordRedrive' },",
      },
    ],
  },
  {
    name: 'lease not extended',
    breaks: 'an item that is in progress returns to the queue',
    edits: [{ file: 'src/core/stream/active-streams.ts', from: 'for (const item of items) item.working();', to: 'void items;' }],
  },
  {
    name: 'running worker not asked',
    breaks: 'EXEC3: an attempt is cut while its worker executes it',
    edits: [
      {
        file: 'src/worker/attempt/probe-attempt.ts',
        from: "const answer = await executionProbe.isRunning(worker ?? '', asked);",
        to: 'const answer = [executionProbe, asked].length < 0;',
      },
    ],
  },
  {
    name: 'retry before it is due',
    breaks: 'T1: neither the worker nor the machine waits',
    edits: [
      { file: 'src/worker/attempt/next-step.ts', from: "if (now < (context.dueAt ?? 0)) return { kind: 'not-due' };", to: '' },
      { file: machine, from: 'event.terms === undefined && event.at >= (context.dueAt ?? 0)', to: 'event.terms === undefined' },
    ],
  },
  {
    name: 'delayed request before it is due',
    breaks: 'T1: the machine forgets the due time of a request',
    edits: [{ file: machine, from: 'dueAt: request.dueAt ?? null', to: 'dueAt: null' }],
  },
  {
    name: 'lost attempt not counted',
    breaks: 'E5: a function that kills its worker is tried for ever',
    edits: [{ file: machine, from: "lost: context.lost + (failure.kind === 'lost' ? 1 : 0),", to: 'lost: context.lost,' }],
  },
  {
    name: 'retry not counted',
    breaks: 'E5: a function gets more retries than its policy allows',
    edits: [{ file: machine, from: "retries: context.retries + (failure.kind === 'function' ? 1 : 0),", to: 'retries: context.retries,' }],
  },
  {
    name: 'child id not derived',
    breaks: 'D1: a repeated delivery starts a second invocation',
    edits: [
      {
        file: 'src/destinations/function-target.ts',
        from: 'const id = childIdOf(deliveryId);',
        to: 'const id = childIdOf(`${deliveryId}#${Math.random()}`);',
      },
    ],
  },
  {
    name: 'function missing in a delivery id',
    breaks: 'DLV1: two functions with one request id share a child',
    edits: [{ file: 'src/core/names/delivery-ids.ts', from: '/${functionName}/', to: '/' }],
  },
  {
    name: 'condition ignored',
    breaks: 'WHEN1: a destination gets an outcome for which its condition does not hold',
    edits: [{ file: 'machines/outcome.ts', from: 'if (holds || when === undefined)', to: 'if (holds || when)' }],
  },
  ...slotMutations,
  ...flowMutations,
  {
    name: 'redelivery executes again',
    breaks: 'EXEC3: an attempt that the log shows is executed by the process that finds it',
    edits: [
      {
        file: run,
        from: 'return probeAttempt(request, invocation, { ...this.#options, writer: this.#writer, slotOf });',
        to: "const fn = versionFor(this.#options.fn(), invocation.context);\n    const step = { kind: 'start', fact: { attempt: invocation.context.attempts }, fn };\n    const held = this.#options.executions.hold({ function: request.fact.function, invocation: request.fact.invocation, attempt: step.fact.attempt });\n    const executed = fn === undefined ? Promise.resolve() : executeAttempt(this.#options, held, request, step);\n    return executed.then(() => probeAttempt(request, invocation, { ...this.#options, writer: this.#writer, slotOf }));",
      },
    ],
  },
  {
    name: 'outcome overwritten',
    breaks: 'E4: a cancelled invocation succeeds',
    edits: [
      {
        file: machine,
        from: "description: 'No further attempt follows; the outcome is being delivered to its destinations',\n      entry: ['publishResult', 'deliverOutcome'],\n      on: {",
        to: "description: 'No further attempt follows; the outcome is being delivered to its destinations',\n      entry: ['publishResult', 'deliverOutcome'],\n      on: {\n        succeeded: { guard: 'settlesCurrentAttempt', target: 'succeeded', actions: 'recordOutcome' },",
      },
    ],
  },
  {
    name: 'wake time dropped',
    breaks: 'E4: nobody wakes a retry',
    edits: [{ file: 'src/core/stream/stream.ts', from: "lower(wakeTimes, 'dueAt', dueAt);", to: '' }],
  },
  {
    name: 'result forgotten',
    breaks: 'EXEC4: an item is acknowledged before the result is stored',
    edits: [
      {
        file: 'src/worker/attempt/outcome-effects.ts',
        from: 'return stored.then(() => {',
        to: 'return Promise.resolve().then(() => {',
      },
    ],
  },
  {
    name: 'clock of the machine believed',
    breaks: 'TIME3: a process uses its own clock, which is up to an hour wrong',
    edits: [
      {
        file: 'src/core/time/server-time.ts',
        from: 'return Math.floor(this.#base + this.#local.monotonic());',
        to: 'return this.#local.wall();',
      },
    ],
  },
  {
    name: 'link not compared',
    breaks: 'LINK2: an append counts that follows a lost message',
    needsPowerCuts: true,
    edits: [
      {
        file: 'src/core/log/chain.ts',
        from: 'if (link !== undefined) return link === head ? own : undefined;',
        to: 'if (link !== undefined) return own;',
      },
    ],
  },
  {
    name: 'loss not recorded',
    breaks: 'LOSS2: acknowledged requests are lost, and nobody says so',
    needsPowerCuts: true,
    edits: [
      {
        file: 'src/core/log/losses/loss-watch.ts',
        from: 'this.#known = [...this.#known, loss];',
        to: '',
      },
    ],
  },
  {
    name: 'acknowledged message not compared',
    breaks: 'LOSS2: a loss is not noticed when other messages got the lost sequences at once',
    needsPowerCuts: true,
    edits: [
      {
        file: 'src/core/log/losses/loss-watch.ts',
        from: 'return found === undefined || found === id;',
        to: "return found !== id || id !== '';",
      },
    ],
  },
  ...consumerMutations,
  ...projectionMutations,
];
