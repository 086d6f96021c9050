import { z } from 'zod';
import type { SubjectRules } from '#src/core/names/addressable.ts';
import type { DeliveryRequest, DestinationTarget } from '#src/core/ports/destination-target.ts';
import { parseParam, refusalOf } from './param.ts';
import { type Publication, resultOfPublication } from './publication.ts';
import { traceHeaders } from './trace-headers.ts';
import { dead } from './verdict.ts';

/** Publishes to JetStream. */
export interface Publisher {
  /** Never rejects. Within the stream's duplicate window, a second message with the same `Nats-Msg-Id` is not stored. */
  publish(subject: string, payload: string, options: { headers: Record<string, string>; signal: AbortSignal }): Promise<Publication>;
  /** Whether a stream stores the subject. Rejects when the server does not answer. */
  isStored(subject: string): Promise<boolean>;
}

const subjectSchema = z
  .string()
  .min(1)
  .regex(/^[^\s\p{C}*>]+$/u, 'must not hold white space, control characters or wildcards')
  .refine((subject) => subject.split('.').every((token) => token !== ''), 'must not have empty tokens')
  .refine((subject) => Buffer.byteLength(subject) <= 255, 'must not be longer than 255 bytes');

const headersSchema = z
  .record(
    z
      .string()
      .regex(/^[!#$%&'*+.^_`|~\dA-Za-z-]{1,100}$/, 'must be the name of a header')
      .regex(/^(?!nats-|ce-|content-type$|traceparent$)/i, 'is set by Sequent or by the server alone'),
    z
      .string()
      .max(1_024)
      .regex(/^[^\p{Cc}]*$/u, 'must be a text of one line'),
  )
  .refine((headers) => Object.keys(headers).length <= 20, 'must not be more than 20');

const natsParamSchema = z.strictObject({
  subject: subjectSchema,
  /** Adds the attributes of CloudEvents 1.0, in binary mode. */
  cloudevents: z.boolean().default(false),
  headers: headersSchema.default({}),
  /** False: the subject may have subscribers only, and no stream. */
  stored: z.boolean().default(true),
});

/** Publishes the envelope to a subject that the function may address. */
export function createNatsTarget({ publisher, subjects }: { publisher: Publisher; subjects: SubjectRules }): DestinationTarget {
  return {
    refuse(text, functionName) {
      const parsed = parseParam(natsParamSchema, text);
      return parsed.kind === 'invalid' ? refusalOf(parsed) : subjects.refuse(parsed.param.subject, functionName);
    },
    async check(text) {
      const parsed = parseParam(natsParamSchema, text);
      if (parsed.kind === 'invalid' || !parsed.param.stored) return undefined;
      const { subject } = parsed.param;
      if (await publisher.isStored(subject)) return undefined;
      return `no stream stores subject "${subject}", so a message could reach nobody; create a stream (nats stream add OUTCOMES --subjects "${subject}"), or write "stored": false in the param for a subject that has subscribers only`;
    },
    limitKeyOf({ param }) {
      const parsed = parseParam(natsParamSchema, param);
      return parsed.kind === 'parsed' ? `NATS ${parsed.param.subject}` : 'NATS';
    },
    async deliver(request, signal) {
      const parsed = parseParam(natsParamSchema, request.destination.param);
      if (parsed.kind === 'invalid') return dead(refusalOf(parsed));
      const { subject, cloudevents, headers: own } = parsed.param;
      const refusal = subjects.refuse(subject, request.functionName);
      if (refusal !== undefined) return dead(refusal);
      const headers = {
        ...own,
        ...(cloudevents ? attributesOf(request) : {}),
        ...traceHeaders(request),
        'content-type': 'application/json',
        'Nats-Msg-Id': request.deliveryId,
      };
      return resultOfPublication(await publisher.publish(subject, request.envelope, { headers, signal }), `subject "${subject}"`);
    },
  };
}

/** The attributes of a CloudEvent as headers, by the NATS protocol binding. */
function attributesOf(request: DeliveryRequest): Record<string, string> {
  return {
    'ce-specversion': '1.0',
    'ce-id': request.deliveryId,
    'ce-source': sourceOf(request.envelope),
    'ce-type': `sequent.invocation.${request.outcome}`,
    'ce-subject': request.requestId,
    'ce-time': new Date(request.acceptedAt).toISOString(),
    'ce-datacontenttype': 'application/json',
  };
}

const envelopeSchema = z.object({ request_context: z.object({ function_urn: z.string() }) });

/** The URN of the function. Characters that a header cannot hold are percent-encoded. */
function sourceOf(envelope: string): string {
  const urn = envelopeSchema.parse(JSON.parse(envelope)).request_context.function_urn;
  return urn.replace(/[^\x21-\x7e]|["%]/gu, encodeURIComponent);
}
