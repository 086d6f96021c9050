import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { startSequent } from '#test/support/gateway/running-gateway.ts';

const files = ['grafana/sequent.json', 'prometheus/alerts.yml', 'kubernetes/keda/worker-scaler.yaml'];

/** The metrics in the expressions of a file; the series of a histogram belong to one metric. */
function metricsIn(text: string): string[] {
  return [...new Set([...text.matchAll(/\bsequent_[a-z_]+/g)].map(([name]) => name.replace(/_(?:bucket|sum|count)$/, '')))];
}

test('every metric of the dashboard, the alerts and the scaler is one of a running gateway', async () => {
  await using sequent = await startSequent({ with: ['projection'] });
  const text = await (await sequent.call('GET', '/metrics')).text();
  const known = [...text.matchAll(/^# TYPE (\w+)/gm)].map(([, name]) => name);
  for (const file of files) {
    const named = metricsIn(readFileSync(new URL(`../../../deploy/${file}`, import.meta.url), 'utf8'));
    expect(named.length).toBeGreaterThan(0);
    expect([file, named.filter((name) => !known.includes(name))]).toEqual([file, []]);
  }
});
