import { createRequire } from 'node:module';
import { answerCommands, createSeen, IN_FLIGHT, say } from './commands.mjs';

/*
 * Redis Streams as a bare queue, as `bench/compare.ts` runs it: `work` adds the outcome of an entry and then acknowledges the entry, `load` adds entries
 * one by one and reads the stream of outcomes.
 *
 * Settings, from https://redis.io/docs/latest/develop/data-types/streams (XREADGROUP with COUNT and BLOCK, MAXLEN with `~`) and from the section
 * "Autopipelining" of the README of ioredis: commands of one turn of the event loop are written together, and Redis syncs once for all that it
 * received together.
 */

const [mode, folder, url] = process.argv.slice(2);
const { Redis } = createRequire(`${folder}/package.json`)('ioredis');
const [WORK, OUTCOMES, GROUP] = ['bench:work', 'bench:outcomes', 'bench'];
const COUNT = 500;
/** More than a load has without an outcome. */
const KEPT = ['MAXLEN', '~', 100_000];
const redis = new Redis(url, { enableAutoPipelining: true });
/** A blocking read holds its connection. */
const reader = new Redis(url);

if (mode === 'work') await work();
else await load();

async function work() {
  await redis.xgroup('CREATE', WORK, GROUP, '0', 'MKSTREAM');
  void consume();
  say('ready');
}

async function consume() {
  for (;;) {
    const [[, entries]] = await reader.xreadgroup('GROUP', GROUP, 'worker', 'COUNT', COUNT, 'BLOCK', 0, 'STREAMS', WORK, '>');
    for (const [id] of entries) void redis.xadd(OUTCOMES, ...KEPT, '*', 'id', id).then(() => redis.xack(WORK, GROUP, id));
  }
}

async function load() {
  const seen = createSeen();
  void observe(seen);
  await answerCommands({
    seen,
    underWay: IN_FLIGHT,
    send: ([event]) => redis.xadd(WORK, ...KEPT, '*', 'event', JSON.stringify(event)),
  });
}

async function observe(seen) {
  for (let last = '0'; ; ) {
    const [[, entries]] = await reader.xread('COUNT', COUNT, 'BLOCK', 0, 'STREAMS', OUTCOMES, last);
    for (const [id, [, outcome]] of entries) {
      seen.add(outcome);
      last = id;
    }
  }
}
