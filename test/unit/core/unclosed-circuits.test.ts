import { describe, expect, test } from 'vitest';
import type { CircuitState } from '#src/core/ports/questions/circuit-states.ts';
import { describeCircuit, unclosedCircuits } from '#src/core/unclosed-circuits.ts';

const circuit: CircuitState = {
  deliverer: 'd-1',
  function: 'orders',
  target: 'HTTP https://x',
  state: 'open',
  openUntil: Date.UTC(2026, 0, 1),
  failures: 12,
  reason: 'no answer',
};

describe('the circuits of all processes', () => {
  test('are one for each function and target, of the process that keeps it open for the longest time', () => {
    const longer: CircuitState = { ...circuit, deliverer: 'd-2', openUntil: circuit.openUntil + 1, failures: 13, reason: 'refused' };
    const probed: CircuitState = { ...circuit, deliverer: 'd-3', state: 'half-open', openUntil: 5 };
    const elsewhere: CircuitState = { ...circuit, function: 'billing' };
    const found = unclosedCircuits([{ circuits: [circuit] }, {}, { circuits: [longer, elsewhere] }, { circuits: [probed] }]);
    expect(found.map(({ function: name, processes, failures, state }) => [name, processes, failures, state])).toEqual([
      ['billing', 1, 12, 'open'],
      ['orders', 3, 13, 'open'],
    ]);
  });

  test('are described with the function, the state, the failures and the last failure', () => {
    expect(describeCircuit(circuit)).toBe(
      'the circuit of HTTP https://x for orders is open until 2026-01-01T00:00:00.000Z; 12 failures in a row; last: no answer',
    );
    const { function: _, ...nameless } = circuit;
    expect(describeCircuit({ ...nameless, state: 'half-open' })).toBe(
      'the circuit of HTTP https://x is half-open, and waits for the result of a probe; 12 failures in a row; last: no answer',
    );
  });
});
