/*
 * `node --import` of this file runs a process on a machine whose clock is wrong by SHIFTED_CLOCK_MS. Each SIGUSR2 sets the clock by
 * the next of the steps in SHIFTED_CLOCK_STEPS_MS. Only `Date` is shifted, as a wrong clock shifts it; the monotonic clock is right.
 */
const RealDate = Date;
let aheadInMs = Number(process.env.SHIFTED_CLOCK_MS ?? 0);
const steps = (process.env.SHIFTED_CLOCK_STEPS_MS ?? '').split(',').map(Number);
const now = () => RealDate.now() + aheadInMs;

globalThis.Date = new Proxy(RealDate, {
  construct: (target, given, newTarget) => Reflect.construct(target, given.length === 0 ? [now()] : given, newTarget),
  apply: () => new RealDate(now()).toString(),
  get: (target, key) => (key === 'now' ? now : Reflect.get(target, key)),
});

process.on('SIGUSR2', () => {
  aheadInMs += steps.shift() ?? 0;
});
