import { setTimeout as delay } from 'node:timers/promises';

export const greet = async ({ name }) => JSON.stringify(`hello ${name}`);

export const fail = async () => {
  throw new Error('as it was told');
};

export const sleep = async ({ ms }) => {
  await delay(ms);
};

export const trace = async (_, context) => context.traceparent ?? 'none';
