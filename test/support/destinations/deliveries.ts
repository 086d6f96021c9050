import type { DeliveryRequest } from '#src/core/ports/destination-target.ts';
import { parseConnections } from '#src/destinations/connections/connections.ts';
import type { Connections } from '#src/destinations/targets/connection.ts';

/** The secrets of these tests. No result, error or printed object may contain any of them. */
export const canaries = {
  SEQUENT_TEST_ACCESS_KEY: 'AKCANARYLETTERS',
  SEQUENT_TEST_SECRET_KEY: 'canary-secret-key-0002',
  SEQUENT_TEST_WRONG_KEY: 'canary-wrong-key-0003',
  SEQUENT_TEST_WEBHOOK: `whsec_${Buffer.from('canary-webhook-secret-of-0004').toString('base64')}`,
  SEQUENT_TEST_PASSWORD: 'canary-password-0005',
  SEQUENT_TEST_TOKEN: 'canary-token-0006',
} as const;

/** Puts the secrets into the environment, where the references point to. */
export function plantCanaries(): void {
  Object.assign(process.env, canaries);
}

export const accessKeyId = { env: 'SEQUENT_TEST_ACCESS_KEY' };
export const secretAccessKey = { env: 'SEQUENT_TEST_SECRET_KEY' };
export const webhookSecret = { env: 'SEQUENT_TEST_WEBHOOK' };

/** The canaries that a text contains, in any usual encoding. */
export function canariesIn(text: string): string[] {
  return Object.values(canaries).filter((secret) =>
    [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64'), Buffer.from(secret).toString('hex')].some((form) =>
      text.includes(form),
    ),
  );
}

export function connectionsOf(input: Record<string, unknown>): Connections {
  return parseConnections(input);
}

export const neverAborted = new AbortController().signal;

export const envelope = JSON.stringify({
  timestamp: '2026-11-24T23:59:59.999Z',
  request_context: {
    request_id: 'request-1',
    function_urn: 'urn:fss:here:project:function:default:orders:latest',
    condition: '',
    approximate_invoke_count: 1,
  },
  request_payload: '{"n":"中"}',
  response_context: { status_code: 200, function_error: '' },
  response_payload: '"done"',
});

let count = 0;

/** A new delivery. A `param` that is an object becomes JSON text. */
export function deliveryTo(destination: string, param: unknown, facts: Partial<DeliveryRequest> = {}): DeliveryRequest {
  const requestId = facts.requestId ?? `request-${count++}`;
  return {
    deliveryId: `${requestId}-${destination.toLowerCase()}-0`,
    try: 1,
    destination: { id: `${destination.toLowerCase()}-0`, destination, param: typeof param === 'string' ? param : JSON.stringify(param) },
    envelope,
    requestId,
    functionName: 'orders',
    qualifier: 'latest',
    outcome: 'succeeded',
    acceptedAt: Date.UTC(2026, 10, 24, 23, 59, 59, 999),
    lineage: { root: requestId, hop: 0, budget: 999 },
    ...facts,
  };
}
