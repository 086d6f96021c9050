import { describe, expect, test } from 'vitest';
import { serveProbes } from '#src/main/roles/processes/probes.ts';
import { startSequent } from '#test/support/gateway/running-gateway.ts';

describe('the probes of a process', () => {
  test('are ready while its roles run and the log answers, and say why otherwise', async () => {
    const probes = await serveProbes({ host: '127.0.0.1', port: 0 });
    const probe = async (path: string) => {
      const response = await fetch(`http://127.0.0.1:${probes.port}${path}`);
      return [response.status, ((await response.json()) as { why?: string }).why];
    };
    expect(await probe('/readyz')).toEqual([503, 'it is starting']);
    await using sequent = await startSequent();
    probes.setReadiness(sequent.roles.readiness);
    expect(await probe('/readyz')).toEqual([200, undefined]);
    await sequent.server.kill();
    await expect.poll(() => probe('/readyz')).toEqual([503, 'NATS is not connected']);
    expect(await probe('/healthz')).toEqual([200, undefined]);
    expect((await probe('/metrics'))[0]).toBe(404);
    await sequent.server.restart();
    await expect.poll(() => probe('/readyz')).toEqual([200, undefined]);
    const stopping = sequent.roles.stop(1_000);
    expect(await probe('/readyz')).toEqual([503, 'it is stopping']);
    await stopping;
    probes.close();
  });

  test('refuse an address that is taken, by its name', async () => {
    const probes = await serveProbes({ host: '127.0.0.1', port: 0 });
    const again = serveProbes({ host: '127.0.0.1', port: probes.port });
    await expect(again).rejects.toThrow(`the address of the probes 127.0.0.1:${probes.port} cannot be used`);
    probes.close();
  });
});
