import { z } from 'zod';
import { parseJson } from '#src/core/json/json.ts';
import { splitName } from '#src/core/names/names.ts';
import type { DeliveryRequest, DeliveryResult } from '#src/core/ports/destination-target.ts';
import type { VettedHttp } from '#src/destinations/http/vetted-request.ts';
import type { ConnectionOf } from '#src/destinations/targets/connection.ts';
import { dead, delivered, failed, unusable, verdictOf } from '#src/destinations/targets/verdict.ts';
import { postToHuawei } from './huawei-service.ts';

const topicUrn = /^urn:smn:([a-z0-9-]{1,64}):([A-Za-z0-9_-]{1,64}):[A-Za-z0-9_-]{1,255}$/;

/** Why a connection to the vendor's service cannot publish to a topic; `undefined` when it can. */
export function refuseTopic(topic: string, { region, projectId, topicUrns }: ConnectionOf<'smn'>, name: string): string | undefined {
  const [, itsRegion, itsProject] = topicUrn.exec(topic) ?? [];
  if (itsRegion === undefined) return 'param.topic_urn must be of the form urn:smn:<region>:<project>:<topic>';
  if (itsProject !== projectId) return `param.topic_urn must name project ${projectId}, which connection "${name}" is for`;
  if (region !== undefined && itsRegion !== region) return `param.topic_urn must name region ${region}, which connection "${name}" is for`;
  if (topicUrns !== undefined && !topicUrns.includes(topic)) return `param.topic_urn is not a topic of connection "${name}"`;
  return undefined;
}

export type Published = {
  topic: string;
  name: string;
  connection: ConnectionOf<'smn'>;
  http: VettedHttp;
  at: number;
  signal: AbortSignal;
};

const publishedSchema = z.object({ message_id: z.string().min(1) });

/** Publishes the envelope to a topic of the vendor's service, which sends it to the subscriptions of the topic. */
export async function publishToService(
  request: DeliveryRequest,
  { topic, name, connection, http, at, signal }: Published,
): Promise<DeliveryResult> {
  const { functionName, qualifier, outcome, requestId, envelope } = request;
  // The vendor accepts a subject of less than 512 bytes. These names have at most 240 characters of ASCII.
  const subject = `${splitName(functionName).bare}:${qualifier} ${outcome} (${requestId})`;
  const path = `notifications/topics/${topic}/publish`;
  const answer = await postToHuawei(connection, { path, body: JSON.stringify({ subject, message: envelope }), at, http, signal });
  if (answer.kind === 'unreadable') return unusable(name, answer.problem);
  const receiver = `topic "${topic}" of connection "${name}"`;
  if (answer.kind === 'answered') {
    if (answer.status === 401 || answer.status === 403)
      return dead(`insufficient permission: ${receiver} refused the credentials (${answer.status})`);
    if (answer.status === 404) return dead(`${receiver} does not exist (404)`);
  }
  const verdict = verdictOf(answer, receiver);
  if (verdict.kind !== 'delivered' || answer.kind !== 'answered') return verdict;
  // Another server than the service may answer 200 to everything.
  return publishedSchema.safeParse(parseJson(answer.body)).success
    ? delivered
    : failed(`${receiver} did not say whether it took the message`);
}
