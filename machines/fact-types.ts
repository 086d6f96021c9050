import type { Fact } from './facts.ts';

const present: Record<Fact['type'], true> = {
  queued: true,
  deferred: true,
  'debounce.closed': true,
  'debounce.joined': true,
  running: true,
  retrying: true,
  succeeded: true,
  failed: true,
  'delivery.started': true,
  'delivery.failed': true,
  'delivery.delivered': true,
  'delivery.dead': true,
  'delivery.postponed': true,
  'delivery.redriven': true,
  'delivery.dismissed': true,
  notified: true,
  redriven: true,
  'batch.sealed': true,
};

/** The types of all facts. This file imports no schema, so that the pages load no zod. */
export const factTypes = Object.keys(present) as readonly Fact['type'][];
