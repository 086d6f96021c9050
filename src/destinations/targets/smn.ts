import { z } from 'zod';
import type { DeliveryRequest, DeliveryResult, DestinationTarget } from '#src/core/ports/destination-target.ts';
import { originOf, reachOf, type VettedHttp } from '#src/destinations/http/vetted-request.ts';
import type { ConnectionOf, Connections, Subscription } from './connection.ts';
import { sendEmail } from './email.ts';
import { connectionName, parseParam, refusalOf } from './param.ts';
import { RecentDeliveries } from './recent-deliveries.ts';
import { traceHeaders } from './trace-headers.ts';
import { dead, delivered, failed, unusable, verdictOf } from './verdict.ts';
import { signWebhook } from './webhook-signature.ts';

export const smnParamSchema = z.strictObject({ topic_urn: z.string().min(1).max(255), connection: connectionName });

type Found =
  | { kind: 'found'; name: string; connection: ConnectionOf<'smn'>; topic: string; subscriptions: Subscription[] }
  | { kind: 'refused'; problem: string };

type Sent = { place: number; result: DeliveryResult };

/** How many deliveries are remembered for their next try. */
const CAPACITY = 10_000;

/**
 * Publishes the envelope to every subscription of a topic: webhooks signed by Standard Webhooks, and e-mail.
 *
 * A try does not repeat to the subscriptions that an earlier one reached. That is best effort: another process, or this one
 * after a restart, does not know; receivers then see the same `webhook-id` or `Message-ID` again.
 */
export function createSmnTarget({ connections, http }: { connections: Connections; http: VettedHttp }): DestinationTarget {
  const recent = new RecentDeliveries(CAPACITY);
  return {
    refuse(text, functionName) {
      const found = find(text, connections, functionName);
      return found.kind === 'refused' ? found.problem : undefined;
    },
    limitKeyOf({ param }) {
      const found = find(param, connections);
      return found.kind === 'found' ? `SMN ${found.name}/${found.topic}` : 'SMN';
    },
    async deliver(request, signal) {
      const found = find(request.destination.param, connections, request.functionName);
      if (found.kind === 'refused') return dead(found.problem);
      const left = [...found.subscriptions.entries()].filter(([place]) => !recent.isDone(request.deliveryId, place));
      const sent = await Promise.all(
        left.map(async ([place, subscription]): Promise<Sent> => {
          const id = `${request.deliveryId}-${place}`;
          return { place, result: await publish({ id, request, subscription }, { ...found, http, signal }) };
        }),
      );
      for (const { place, result } of sent) if (result.kind === 'delivered') recent.markDone(request.deliveryId, place);
      return summaryOf(sent, found.subscriptions.length);
    },
  };
}

function find(text: string, connections: Connections, functionName?: string): Found {
  const parsed = parseParam(smnParamSchema, text);
  if (parsed.kind === 'invalid') return { kind: 'refused', problem: refusalOf(parsed) };
  const { topic_urn: topic, connection: wanted } = parsed.param;
  const picked = connections.pick('smn', wanted, functionName);
  if (picked.kind === 'missing') return { kind: 'refused', problem: picked.problem };
  const { name, connection } = picked;
  if (!Object.hasOwn(connection.topics, topic))
    return { kind: 'refused', problem: `param.topic_urn is not a topic of connection "${name}"` };
  return { kind: 'found', name, connection, topic, subscriptions: connection.topics[topic]?.subscriptions ?? [] };
}

type Publication = { id: string; request: DeliveryRequest; subscription: Subscription };
type Means = { name: string; connection: ConnectionOf<'smn'>; http: VettedHttp; signal: AbortSignal };

async function publish({ id, request, subscription }: Publication, { name, connection, http, signal }: Means): Promise<DeliveryResult> {
  const { timeoutInMs, smtp } = connection;
  if (subscription.protocol === 'email') {
    if (smtp === undefined) return dead(`connection "${name}" has no "smtp"`);
    return sendEmail({ to: subscription.endpoint, messageId: id, request }, { smtp, timeoutInMs, signal });
  }
  const { endpoint, secret } = subscription;
  const signature = signWebhook(secret, id, request.envelope);
  if (signature.kind === 'unreadable') return unusable(name, signature.problem);
  const headers = { 'content-type': 'application/json', ...traceHeaders(request), ...signature.texts };
  const answer = await http.send(
    { method: 'POST', url: endpoint, headers, body: request.envelope, reach: reachOf(endpoint, connection) },
    signal,
  );
  return verdictOf(answer, originOf(endpoint));
}

/** Tries again while any subscription may still be reached; then it is dead if any is. */
function summaryOf(sent: readonly Sent[], total: number): DeliveryResult {
  const missed = sent.filter(({ result }) => result.kind !== 'delivered');
  if (missed.length === 0) return delivered;
  const reasons = missed.slice(0, 3).map(({ place, result }) => `#${place} ${result.kind === 'delivered' ? '' : result.reason}`);
  const reason = `${missed.length} of ${total} subscriptions not reached: ${reasons.join('; ')}${missed.length > 3 ? '; …' : ''}`;
  const failures = missed.flatMap(({ result }) => (result.kind === 'failed' ? [result] : []));
  if (failures.length === 0) return dead(reason);
  const waits = failures.flatMap(({ retryAfterInMs }) => retryAfterInMs ?? []);
  return failed(reason, waits.length === 0 ? undefined : Math.max(...waits));
}
