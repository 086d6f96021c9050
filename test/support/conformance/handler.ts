/**
 * The function of most tests, as its author would zip it. The event says what it does; each run is noted in a file, so that what
 * ran is seen from outside.
 */
export const HANDLER = `
const { appendFileSync, existsSync, readFileSync } = require('node:fs');
const { join } = require('node:path');
const { setTimeout: delay } = require('node:timers/promises');

exports.handler = async (event, context) => {
  const effects = context.getUserData('effects');
  const request = context.getRequestID();
  const told = { function: context.getFunctionName(), request, version: context.getVersion(), event };
  appendFileSync(effects, JSON.stringify(told) + '\\n');
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
