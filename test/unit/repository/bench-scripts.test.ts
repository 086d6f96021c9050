import { existsSync, readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { missingAmong, systems } from '../../../bench/compare/systems.ts';
import { repliesOf } from '../../../bench/load/replies.ts';
import { helpOf, problemIn, scripts } from '../../../bench/scripts.ts';

const { scripts: npmScripts } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
  scripts: Record<string, string>;
};

describe('a benchmark', () => {
  test('that npm starts has a help, which needs none of its modules', () => {
    const ownHelp = ['bench', 'bench:compare', 'storm'];
    const started = Object.entries(npmScripts).filter(([name, command]) => /\bbench\//.test(command) && !ownHelp.includes(name));
    const listed = Object.entries(scripts).map(([file, { script }]) => [script, `node --import tsx bench/main.ts ${file}`]);
    expect(listed.sort()).toEqual(started.sort());
    for (const script of Object.values(scripts)) expect(helpOf(script)).toContain(`npm run ${script.script} -- [options]`);
  });

  test.for<[string, string[], RegExp | undefined]>([
    ['lean', ['--quick'], undefined],
    ['lean', ['--quik'], /'--quik'/],
    ['lean', ['quick'], /'quick'/],
    ['drain', ['--burst', '5', '--singles'], undefined],
    ['signing', ['100', '2'], undefined],
    ['signing', ['100', '2', '3'], /unexpected argument "3"/],
  ])('%s with %j starts, or refuses what it does not know', ([name, args, problem]) => {
    const found = problemIn(scripts[name] ?? { script: '', summary: '' }, args);
    if (problem === undefined) expect(found).toBeUndefined();
    else expect(found).toMatch(problem);
  });
});

describe('the load over HTTP', () => {
  test('listens for errors of a connection once, however many replies it reads', async () => {
    const socket = new Socket();
    const next = repliesOf(socket);
    for (let i = 0; i < 20; i++) {
      const reply = next();
      socket.emit('data', Buffer.from(`HTTP/1.1 202 Accepted\r\ncontent-length: 2\r\n\r\n${i % 10}.`));
      expect(await reply).toMatch(new RegExp(`^HTTP/1.1 202 [^]*${i % 10}\\.$`));
    }
    expect(socket.listenerCount('error')).toBe(1);
  });

  test('ends with the error of a connection, awaited or not', async () => {
    const socket = new Socket();
    const next = repliesOf(socket);
    const awaited = next();
    socket.destroy(new Error('reset'));
    await expect(awaited).rejects.toThrow('reset');
    await expect(next()).rejects.toThrow('reset');
  });
});

describe('the comparison with other systems', () => {
  test('has a worker and a load for each system', () => {
    for (const { script } of systems)
      expect(existsSync(new URL(`../../../bench/compare/${script}.mjs`, import.meta.url)), script).toBe(true);
  });

  test('names each package of Debian once whose server is missing', () => {
    const without = systems.map((system) =>
      system.title.startsWith('BullMQ')
        ? { ...system, server: { ...system.server, find: () => undefined } }
        : { ...system, server: { ...system.server, find: () => '/bin' } },
    );
    expect(missingAmong(without).apt).toEqual(['redis-server']);
    expect(missingAmong(without).systems.map(({ title }) => title)).toEqual(['BullMQ, everysec', 'BullMQ, always']);
  });
});
