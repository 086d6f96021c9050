import { expect, test } from 'vitest';
import { createInspectorPorts } from '#src/cli/commands/dev/inspector.ts';

/** Ports from 9229 on, of which other programs hold these. */
function portsBeside(...taken: number[]) {
  const held = new Set(taken);
  const probed: number[] = [];
  const isFree = async (port: number): Promise<boolean> => {
    probed.push(port);
    return port <= 65_535 && !held.has(port);
  };
  return { held, probed, ...createInspectorPorts({ isFree }) };
}

test('a function gets the next free port when another program has its port, and keeps it', async () => {
  const ports = portsBeside(9_229, 9_231);
  await ports.probe();
  expect(['first', 'second', 'third'].map(ports.portOf)).toEqual([9_230, 9_232, 9_233]);
  // The process of the function has the port now.
  ports.held.add(9_230);
  await ports.probe();
  expect(ports.portOf('first')).toBe(9_230);
});

test('a function that is seen later gets a port that is free then', async () => {
  const ports = portsBeside();
  await ports.probe();
  expect(ports.portOf('first')).toBe(9_229);
  ports.held.add(9_230);
  await ports.probe();
  expect(ports.portOf('second')).toBe(9_231);
  expect(ports.probed.filter((port) => port === 9_229)).toEqual([9_229]);
});

test('a taken port is said once, with the port that the debugger has instead', async () => {
  const ports = portsBeside(9_229);
  await ports.probe();
  expect(ports.news(['first', 'second'])).toEqual([
    'first: port 9229 is taken by another program, so its debugger has 9230',
    'second: a debugger can connect to 127.0.0.1:9231',
  ]);
  expect(ports.news(['first', 'second', 'third'])).toEqual(['third: a debugger can connect to 127.0.0.1:9232']);
});

test('the function after the 64th has no debugger, and neither has one without a free port', async () => {
  const ports = portsBeside();
  await ports.probe();
  const names = Array.from({ length: 65 }, (_, index) => `function-${index}`);
  expect(names.map(ports.portOf).slice(-2)).toEqual([9_292, undefined]);
  expect(ports.news(names)).toHaveLength(64);
  const last = createInspectorPorts({ first: 65_535, isFree: async (port) => port <= 65_535 });
  await last.probe();
  expect(['first', 'second'].map(last.portOf)).toEqual([65_535, undefined]);
});
