import type { Fact } from './facts.ts';

const present: Record<Fact['type'], true> = {
  queued: true,
  running: true,
  retrying: true,
  succeeded: true,
  failed: true,
  'delivery.started': true,
  'delivery.failed': true,
  'delivery.delivered': true,
  'delivery.dead': true,
  'delivery.redriven': true,
  notified: true,
  redriven: true,
};

/** The types of all facts. It stands apart from their schemas, so that the pages can load it without zod. */
export const factTypes = Object.keys(present) as readonly Fact['type'][];
