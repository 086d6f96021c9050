/**
 * The source of the function of most tests. The event decides what the function does. Each run is recorded in a file, which the tests
 * read.
 */
export const HANDLER = `
const { appendFileSync, existsSync, readFileSync } = require('node:fs');
const { join } = require('node:path');
const { setTimeout: delay } = require('node:timers/promises');

exports.handler = async (event, context) => {
  const effects = context.getUserData('effects');
  const request = context.getRequestID();
  const effect = { function: context.getFunctionName(), request, version: context.getVersion(), event };
  appendFileSync(effects, JSON.stringify(effect) + '\\n');
  const { gate, fails, throws, bytes, returns, prints } = event ?? {};
  if (prints !== undefined) console.log(prints);
  if (gate !== undefined) while (!existsSync(join(context.getUserData('gates'), gate))) await delay(20);
  if (fails !== undefined) {
    const runs = readFileSync(effects, 'utf8').split('\\n').filter((line) => line.includes(request)).length;
    if (runs <= fails) throw new TypeError('run ' + runs + ' fails');
  }
  if (throws !== undefined) throw new RangeError(throws);
  if (bytes !== undefined) return 'x'.repeat(bytes);
  return returns ?? 'done';
};
`;
