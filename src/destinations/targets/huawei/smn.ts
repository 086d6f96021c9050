import { z } from 'zod';
import { type Clock, systemClock } from '#src/core/ports/clock.ts';
import type { DeliveryRequest, DeliveryResult, DestinationTarget } from '#src/core/ports/destination-target.ts';
import { originOf, reachOf, type VettedHttp } from '#src/destinations/http/vetted-request.ts';
import type { ConnectionOf, Connections, Subscription } from '#src/destinations/targets/connection.ts';
import { sendEmail } from '#src/destinations/targets/email.ts';
import { connectionName, parseParam, refusalOf } from '#src/destinations/targets/param.ts';
import { RecentDeliveries } from '#src/destinations/targets/recent-deliveries.ts';
import { createResolvedTarget, type Refused } from '#src/destinations/targets/resolved-target.ts';
import { traceHeaders } from '#src/destinations/targets/trace-headers.ts';
import { dead, delivered, failed, unusable, verdictOf } from '#src/destinations/targets/verdict.ts';
import { signWebhook } from '#src/destinations/targets/webhook-signature.ts';
import { publishToService, refuseTopic } from './smn-service.ts';

const smnParamSchema = z.strictObject({ topic_urn: z.string().min(1).max(255), connection: connectionName });

/** `subscriptions` is `undefined` for a topic of the vendor's service. */
type Resolved = {
  kind: 'resolved';
  name: string;
  connection: ConnectionOf<'smn'>;
  topic: string;
  subscriptions: Subscription[] | undefined;
};

/** The result for the subscription with this index. */
type Sent = { index: number; result: DeliveryResult };

/** For how many deliveries the reached subscriptions are remembered. */
const MAX_REMEMBERED_DELIVERIES = 10_000;

/**
 * Publishes the envelope to every subscription of a topic: webhooks signed by Standard Webhooks, and e-mail. A connection with a region or an
 * endpoint publishes to a topic of the vendor's service instead.
 *
 * A try skips the subscriptions that an earlier try of this process reached. After a restart, or in another process, a receiver may get
 * the same `webhook-id` or `Message-ID` again.
 */
type SmnPorts = { connections: Connections; http: VettedHttp; clock?: Pick<Clock, 'now'> };

export function createSmnTarget({ connections, http, clock = systemClock }: SmnPorts): DestinationTarget {
  const recent = new RecentDeliveries(MAX_REMEMBERED_DELIVERIES);
  return createResolvedTarget<Resolved>({
    kind: 'SMN',
    resolve: (param, functionName) => resolve(param, connections, functionName),
    limitKeyOf: ({ name, topic }) => `SMN ${name}/${topic}`,
    async deliver({ name, connection, topic, subscriptions }, request, signal) {
      if (subscriptions === undefined) return publishToService(request, { topic, name, connection, http, at: clock.now(), signal });
      const open = [...subscriptions.entries()].filter(([index]) => !recent.isDone(request.deliveryId, index));
      const sent = await Promise.all(
        open.map(async ([index, subscription]): Promise<Sent> => {
          const id = `${request.deliveryId}-${index}`;
          return { index, result: await publish({ id, request, subscription }, { name, connection, http, clock, signal }) };
        }),
      );
      for (const { index, result } of sent) if (result.kind === 'delivered') recent.markDone(request.deliveryId, index);
      return summaryOf(sent, subscriptions.length);
    },
  });
}

function resolve(text: string, connections: Connections, functionName?: string): Resolved | Refused {
  const parsed = parseParam(smnParamSchema, text);
  if (parsed.kind === 'invalid') return { kind: 'refused', problem: refusalOf(parsed) };
  const { topic_urn: topic, connection: wanted } = parsed.param;
  const picked = connections.pick('smn', wanted, functionName);
  if (picked.kind === 'missing') return { kind: 'refused', problem: picked.problem };
  const { name, connection } = picked;
  const { topics } = connection;
  if (topics === undefined) {
    const problem = refuseTopic(topic, connection, name);
    return problem === undefined ? { kind: 'resolved', name, connection, topic, subscriptions: undefined } : { kind: 'refused', problem };
  }
  if (!Object.hasOwn(topics, topic)) return { kind: 'refused', problem: `param.topic_urn is not a topic of connection "${name}"` };
  return { kind: 'resolved', name, connection, topic, subscriptions: topics[topic]?.subscriptions ?? [] };
}

type Message = { id: string; request: DeliveryRequest; subscription: Subscription };
type Sender = { name: string; connection: ConnectionOf<'smn'>; http: VettedHttp; clock: Pick<Clock, 'now'>; signal: AbortSignal };

async function publish({ id, request, subscription }: Message, { name, connection, http, clock, signal }: Sender): Promise<DeliveryResult> {
  const { timeoutInMs, smtp } = connection;
  if (subscription.protocol === 'email') {
    if (smtp === undefined) return dead(`connection "${name}" has no "smtp"`);
    return sendEmail({ to: subscription.endpoint, messageId: id, request }, { smtp, timeoutInMs, signal });
  }
  const { endpoint, secret } = subscription;
  const signature = signWebhook(secret, { id, body: request.envelope, at: clock.now() });
  if (signature.kind === 'unreadable') return unusable(name, signature.problem);
  const headers = { 'content-type': 'application/json', ...traceHeaders(request), ...signature.texts };
  const answer = await http.send(
    { method: 'POST', url: endpoint, headers, body: request.envelope, reach: reachOf(endpoint, connection) },
    signal,
  );
  return verdictOf(answer, originOf(endpoint));
}

/** Delivered when every subscription was reached; failed while another try may reach one of the others; otherwise dead. */
function summaryOf(sent: readonly Sent[], total: number): DeliveryResult {
  const missed = sent.filter(({ result }) => result.kind !== 'delivered');
  if (missed.length === 0) return delivered;
  const reasons = missed.slice(0, 3).map(({ index, result }) => `#${index} ${result.kind === 'delivered' ? '' : result.reason}`);
  const reason = `${missed.length} of ${total} subscriptions not reached: ${reasons.join('; ')}${missed.length > 3 ? '; …' : ''}`;
  const failures = missed.flatMap(({ result }) => (result.kind === 'failed' ? [result] : []));
  if (failures.length === 0) return dead(reason);
  const waits = failures.flatMap(({ retryAfterInMs }) => retryAfterInMs ?? []);
  return failed(reason, waits.length === 0 ? undefined : Math.max(...waits));
}
