import { openFormLoad, type Workload } from '../load/workloads.ts';
import { measureLasting } from '../measure/lasting.ts';
import { startForm } from '../measure/measured-form.ts';
import { quiet } from '../measure/quiet.ts';
import type { Peer } from './peer.ts';
import type { Promises, SequentForm, System } from './systems.ts';

/** What a system reached for as long as its load lasted. */
export type LastingRate = {
  rate: number;
  /** Processor time of its server and its workers for each invocation, in microseconds, until both are idle. */
  cpuInUs: number;
  slowestAnswerInMs: number;
  lullInMs: number;
  /** How far what can be asked is behind what has happened, at worst. */
  behindInMs: number;
};

/** A system in the comparison: Sequent in one of its forms, or another one. */
export interface Contestant extends Promises {
  readonly title: string;
  burst(count: number): Promise<number>;
  lasting(seconds: number): Promise<LastingRate>;
  /** The milliseconds of invocations at 100 a second, sorted. */
  latencies(): Promise<number[]>;
}

const SEQUENT: Readonly<Record<'batches' | 'singles' | 'chains', Omit<Workload, 'count' | 'retried'>>> = {
  batches: { title: 'client batches', send: 'batches', functionName: 'noop', outcomes: 1 },
  singles: { title: 'single publishes', send: 'singles', functionName: 'noop', outcomes: 1 },
  chains: { title: 'chains of two', send: 'singles', functionName: 'chain', outcomes: 2 },
};

type OpenedSequent = AsyncDisposable & { contestants: ReadonlyMap<SequentForm, Contestant> };

/** Starts Sequent as `npm start` runs it, on one server for all forms with the same `fsync`. */
export async function startSequent(fsync: '100ms' | 'always', forms: readonly SequentForm[]): Promise<OpenedSequent> {
  const form = await startForm('product', fsync);
  const load = await openFormLoad(form);
  const contestantOf = (name: SequentForm): Contestant => {
    const kind = SEQUENT[name.split(',')[0] as keyof typeof SEQUENT];
    const workload: Workload = { ...kind, count: 0, retried: 0 };
    return {
      title: `Sequent, ${kind.title}${fsync === 'always' ? ', always' : ''}`,
      history: 'every transition',
      syncs: fsync === 'always',
      async burst(count) {
        load.arrivals.reset(count * kind.outcomes);
        await Promise.all([load.send({ ...workload, count }), load.arrivals.all()]);
        const rate = load.arrivals.rate(0, 1) / kind.outcomes;
        await quiet(form);
        return rate;
      },
      async lasting(seconds) {
        const { rate, cpu, slowestPageInMs, lullInMs, behindAtWorstInMs } = await measureLasting(load, form, workload, seconds);
        const cpuInUs = Object.values(cpu).reduce((sum, us) => sum + us, 0);
        return { rate, cpuInUs, slowestAnswerInMs: slowestPageInMs, lullInMs, behindInMs: behindAtWorstInMs };
      },
      latencies: () => load.latencies('noop', 300, 100),
    };
  };
  return {
    contestants: new Map(forms.map((name) => [name, contestantOf(name)])),
    async [Symbol.asyncDispose]() {
      await load.close();
      await form[Symbol.asyncDispose]();
    },
  };
}

export function contestantOf({ title, history, syncs }: System, peer: Peer): Contestant {
  return {
    title,
    history,
    syncs,
    burst: (count) => peer.burst(count),
    async lasting(seconds) {
      const before = await peer.cpu();
      const { rate, count, slowestAnswerInMs, lullInMs } = await peer.lasting(seconds);
      return { rate, cpuInUs: ((await peer.cpu()) - before) / count, slowestAnswerInMs, lullInMs, behindInMs: 0 };
    },
    latencies: () => peer.latencies(),
  };
}
