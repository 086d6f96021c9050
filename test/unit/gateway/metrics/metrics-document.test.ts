import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { systemClock } from '#src/core/ports/clock.ts';
import { createMetrics } from '#src/gateway/metrics/metrics.ts';
import { healthChecks } from '#src/web/system/health.ts';

const metricsIn = (text: string): string[] => [...new Set([...text.matchAll(/\bsequent_[a-z_]+/g)].map(([name]) => name))].sort();

/** The text of a gateway that knows nothing: the name and the help of every metric. */
async function renderAll(): Promise<string> {
  const metrics = createMetrics({
    clock: systemClock,
    lag: () => Promise.reject(new Error('NATS does not answer')),
    quotas: () => [],
    counts: { ask: () => Promise.reject(new Error('no projection runs')) },
    isConnected: () => false,
    logWatch: undefined,
    replicaWatch: undefined,
  });
  return await metrics.render(true);
}

describe('docs/operations.md', () => {
  const [, section = ''] = /^## Metrics\n([\s\S]*?)^## /m.exec(readFileSync('docs/operations.md', 'utf8')) ?? [];
  const [meanings = '', alerts = ''] = section.split('### What to alert on');

  test('lists every metric of the gateway, and no other', async () => {
    const text = await renderAll();
    const defined = [...text.matchAll(/^# HELP (\w+)/gm)].map(([, name = '']) => name);
    expect(metricsIn(meanings)).toEqual(defined.sort());
    expect(metricsIn(alerts).filter((name) => !defined.includes(name))).toEqual([]);
    expect(text).toContain('\nsequent_nats_connected 0\n');
  });

  test('names a metric for every kind of problem that the page System shows', () => {
    const rows = new Map(
      [...alerts.matchAll(/^\| (\w[\w ]*?) +\| .* \| (.*) \|$/gm)].map(([, problem = '', metric = '']) => [problem, metric]),
    );
    expect(Object.keys(healthChecks).filter((kind) => metricsIn(rows.get(kind) ?? '').length === 0)).toEqual([]);
  });
});
