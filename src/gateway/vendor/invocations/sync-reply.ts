import { isOutcome } from '#machines/facts.ts';
import type { Timeline } from '#src/client/client.ts';
import { LATEST } from '#src/core/functions/definition.ts';
import type { Envelope } from '#src/core/log/envelope.ts';
import { HttpError } from '#src/gateway/http/http-error.ts';
import type { Call } from '../../ports.ts';

/** The size to which the header of the log is cut, from its end. */
const MAX_LOG_BYTES = 2_000;

type Finished = {
  envelope: Envelope;
  timeline: Timeline;
  /** The memory limit of the executed version, in megabytes. */
  memoryInMb: number;
};

/** The version that an invocation executed. */
export function executedVersionOf({ transitions }: Timeline): string {
  const terms = transitions.flatMap(({ fact }) => (fact.type === 'running' && fact.terms !== undefined ? [fact.terms] : []));
  return terms[0]?.version ?? LATEST;
}

/**
 * The reply of a synchronous call: JSON for `v1`, else the plain result. An error of the function has status 200 and is reported in the
 * headers. For every other failure, throws `HttpError` with the vendor's status.
 */
export function syncReply(call: Call, { envelope, timeline, memoryInMb: memory }: Finished): Response {
  const { request_id } = envelope.request_context;
  const isFunctionError = isErrorOfFunction(envelope);
  const { durationInMs, output, code, memoryUsed } = executionOf(timeline);
  const log = logOf({ request_id, version: executedVersionOf(timeline), durationInMs, memory, memoryUsed, output });
  call.header('X-Cff-Request-Id', request_id);
  call.header(
    'X-Cff-Invoke-Summary',
    JSON.stringify({ duration: durationInMs, billingDuration: Math.ceil(durationInMs), memorySize: memory, memoryUsed }),
  );
  call.header('X-CFF-Billing-Duration', String(Math.ceil(durationInMs)));
  call.header('X-Func-Err-Code', isFunctionError ? String(code) : '0');
  call.header('X-Is-Func-Err', String(isFunctionError));
  const isTail = call.req.header('x-cff-log-type') === 'tail';
  if (isTail) call.header('X-Cff-Function-Log', Buffer.from(log).toString('base64'));
  const isV1 = call.req.header('x-cff-request-version') === 'v1';
  call.header('X-Cff-Response-Version', isV1 ? 'v1' : 'v0');
  if (isV1)
    return call.json({ request_id, result: envelope.response_payload, log: isTail ? log : '', status: isFunctionError ? 500 : 200 });
  return call.text(envelope.response_payload);
}

/** Whether the function failed. Throws `HttpError` for a failure that is not an error of the function. */
function isErrorOfFunction({ request_context, response_context }: Envelope): boolean {
  const { condition } = request_context;
  if (condition === '') return false;
  if (condition === 'UnhandledInvocationError') return true;
  const { status_code, function_error } = response_context;
  const status = status_code >= 400 && status_code <= 504 ? status_code : 500;
  throw new HttpError({ status, message: function_error });
}

/** `memoryUsed` is in megabytes, and `undefined` for a function without a child process of its own. */
type ExecutionFacts = { durationInMs: number; output: string; code: number; memoryUsed: number | undefined };

function executionOf({ transitions }: Timeline): ExecutionFacts {
  const facts = transitions.map(({ fact }) => fact);
  const outcome = facts.find(isOutcome);
  const started = facts.findLast((fact) => fact.type === 'running');
  return {
    durationInMs: Math.max(0, (outcome?.at ?? 0) - (started?.at ?? 0)),
    output: outcome?.output ?? '',
    code: outcome?.type === 'failed' ? outcome.failure.code : 0,
    memoryUsed: outcome?.memoryUsedInMb,
  };
}

type LogFields = Pick<ExecutionFacts, 'durationInMs' | 'output' | 'memoryUsed'> & { request_id: string; version: string; memory: number };

function logOf({ request_id, version, durationInMs, memory, memoryUsed, output }: LogFields): string {
  const start = `Start invoke request '${request_id}', version: ${version}\n`;
  const summary = `duration: ${durationInMs}ms, billing duration: ${Math.ceil(durationInMs)}ms, memory size: ${memory}MB${memoryUsed === undefined ? '' : `, memory used: ${memoryUsed}MB`}`;
  const finish = `Finish invoke request '${request_id}', ${summary}\n`;
  const text = Buffer.from(start + (output === '' || output.endsWith('\n') ? output : `${output}\n`) + finish);
  return new TextDecoder().decode(text.subarray(Math.max(0, text.length - MAX_LOG_BYTES))).replace(/^\uFFFD+/, '');
}
