import { describe, expect, test } from 'vitest';
import { collectWhenIdle } from '#src/main/roles/processes/idle-memory.ts';

/** A process under virtual time. */
function watched() {
  const done: string[] = [];
  let cpu = 0;
  let tick = (): void => {};
  const timers = {
    after: () => () => {},
    every(_: number, callback: () => void) {
      tick = callback;
      return () => {
        tick = () => {};
      };
    },
  };
  const end = collectWhenIdle({ timers, readCpu: () => cpu, collect: () => done.push('collect'), release: () => done.push('release') });
  return {
    done,
    end,
    /** Lets samples of five seconds pass, in each of which the process uses a share of a core. */
    pass(samples: number, share: number) {
      for (let sample = 0; sample < samples; sample++) {
        cpu += share * 5_000;
        tick();
      }
    },
  };
}

describe('the memory of a process after a load', () => {
  test('is released and collected once, when the process has been idle for three samples', () => {
    const { done, pass } = watched();
    pass(4, 0.8);
    pass(2, 0.03);
    expect(done).toEqual([]);
    pass(1, 0.03);
    expect(done).toEqual(['release', 'collect']);
    pass(100, 0.03);
    expect(done).toEqual(['release', 'collect']);
    pass(1, 0.8);
    pass(3, 0.03);
    expect(done).toEqual(['release', 'collect', 'release', 'collect']);
  });

  test('is kept while the load goes on or pauses for a moment, and in a process that was never busy', () => {
    const { done, pass } = watched();
    pass(100, 0.15);
    for (let pause = 0; pause < 10; pause++) {
      pass(1, 0.8);
      pass(2, 0.03);
    }
    expect(done).toEqual([]);
    const idle = watched();
    idle.pass(100, 0.03);
    expect(idle.done).toEqual([]);
  });

  test('is kept after the end', () => {
    const { done, end, pass } = watched();
    pass(1, 0.8);
    end();
    pass(10, 0);
    expect(done).toEqual([]);
  });
});
