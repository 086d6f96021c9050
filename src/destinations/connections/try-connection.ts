import { randomBytes } from 'node:crypto';
import type { DeliveryResult } from '#src/core/ports/destination-target.ts';
import type { ConnectionKind, Connections } from '#src/destinations/targets/connection.ts';
import type { ExternalTargets } from '#src/destinations/targets/create-targets.ts';

/** For each kind of connection: its destination, and the field of `param` that names the target. */
const kinds: Readonly<Record<ConnectionKind, { destination: keyof ExternalTargets; field: string }>> = {
  http: { destination: 'HTTP', field: 'url' },
  obs: { destination: 'OBS', field: 'bucket' },
  smn: { destination: 'SMN', field: 'topic_urn' },
  dis: { destination: 'DIS', field: 'stream_name' },
};

/** The name of the function that the test envelope names. */
const FUNCTION = 'connection-test';
const MAX_MS = 60_000;

type Tried = { name: string; target: string; now: number };

/**
 * Sends a test envelope to a target by a connection, as a delivery of the own project would. Returns why it did not arrive; `undefined` when
 * it did.
 */
export async function tryConnection(
  { connections, targets }: { connections: Connections; targets: ExternalTargets },
  { name, target, now }: Tried,
): Promise<string | undefined> {
  // The default connection `http` is in no file.
  const kind = connections.names().find((one) => one.name === name)?.kind ?? (name === 'http' ? 'http' : undefined);
  if (kind === undefined) {
    const known = connections.names().map((one) => one.name);
    return `no connection "${name}" is configured; there ${known.length === 0 ? 'is none' : `are: ${known.join(', ')}`}`;
  }
  const { destination, field } = kinds[kind];
  const param = JSON.stringify({ [field]: target, ...(name === kind ? {} : { connection: name }) });
  const refusal = targets[destination].refuse(param, FUNCTION);
  if (refusal !== undefined) return refusal;
  const id = `${FUNCTION}-${randomBytes(5).toString('hex')}`;
  const result = await targets[destination].deliver(
    {
      deliveryId: id,
      try: 1,
      destination: { id: 'test', destination, param },
      envelope: testEnvelope(id, now),
      requestId: id,
      functionName: FUNCTION,
      qualifier: 'latest',
      outcome: 'succeeded',
      acceptedAt: now,
      lineage: { root: id, hop: 0, budget: 0 },
    },
    AbortSignal.timeout(MAX_MS),
  );
  return reasonOf(result);
}

function reasonOf(result: DeliveryResult): string | undefined {
  return result.kind === 'delivered' ? undefined : result.reason;
}

function testEnvelope(id: string, now: number): string {
  return JSON.stringify({
    timestamp: new Date(now).toISOString(),
    request_context: { request_id: id, function_urn: FUNCTION, condition: '', approximate_invoke_count: 1 },
    request_payload: '{}',
    response_context: { status_code: 200, function_error: '' },
    response_payload: '"a test of the connection"',
  });
}
