import { messageOf } from '#src/core/errors.ts';
import type { Execution, ExecutionResult, ExecutionSignal, FunctionHost } from '#src/core/ports/function-host.ts';
import { aborted, failed, noHandler, returned, timedOut, unavailable } from '#src/hosts/failures.ts';
import { MAX_RESULT_BYTES } from '#src/hosts/runtime/outcome.mjs';
import { eventOf, failureInAnswer, headersFor } from './remote-function.ts';

/** How a request on a subject ended. */
export type SubjectReply =
  | { kind: 'reply'; payload: Uint8Array; headers: Record<string, string> }
  | { kind: 'no-responders' }
  | { kind: 'timed-out' }
  | { kind: 'unavailable'; why: string };

type SubjectRequestOptions = { headers: Record<string, string>; timeoutInMs: number; signal: ExecutionSignal };

/** Sends one request on a subject, and resolves to its reply. */
export type SubjectRequest = (subject: string, payload: Uint8Array, options: SubjectRequestOptions) => Promise<SubjectReply>;

/**
 * Runs functions that answer on a subject.
 *
 * A reply is a failure of the function when it has the header `Nats-Service-Error-Code` (the convention of NATS services) or
 * `Function-Error`. FunctionGraph's error payload in the body adds details, and the header `Retry-After` says when the next attempt follows.
 */
export function createSubjectHost({ request }: { request: SubjectRequest }): FunctionHost {
  async function ask(subject: string, execution: Execution, signal: ExecutionSignal): Promise<ExecutionResult> {
    const { timeoutInMs } = execution.definition;
    const event = new TextEncoder().encode(eventOf(execution));
    const reply = await request(subject, event, { headers: headersFor(execution), timeoutInMs, signal });
    switch (reply.kind) {
      case 'reply':
        return resultOfReply(reply);
      case 'no-responders':
        return failed(noHandler(`no process answers on the subject "${subject}"`));
      case 'timed-out':
        return failed(timedOut(timeoutInMs));
      case 'unavailable':
        return failed(unavailable(reply.why));
    }
  }

  return {
    async execute(execution, signal) {
      const { handler } = execution.definition;
      if (handler.kind !== 'subject') return failed(unavailable(`a subject host cannot run a handler of kind "${handler.kind}"`));
      if (signal.aborted) return failed(aborted());
      try {
        const result = await ask(handler.subject, execution, signal);
        return signal.aborted && result.kind === 'failed' ? failed(aborted()) : result;
      } catch (error) {
        return failed(signal.aborted ? aborted() : unavailable(messageOf(error)));
      }
    },
    async close() {},
  };
}

function resultOfReply({ payload, headers }: { payload: Uint8Array; headers: Record<string, string> }): ExecutionResult {
  const text = new TextDecoder().decode(payload);
  const retryAfter = headers['Retry-After'];
  const errorCode = headers['Nats-Service-Error-Code'];
  if (errorCode !== undefined) {
    const description = headers['Nats-Service-Error'] ?? 'no description';
    return failed(
      failureInAnswer(text, {
        errorType: 'NatsServiceError',
        message: `the service answered error ${errorCode}, ${description}`,
        retryAfter,
      }),
    );
  }
  const functionError = headers['Function-Error'];
  if (functionError === undefined) return payload.byteLength > MAX_RESULT_BYTES ? returned('', '', payload.byteLength) : returned(text);
  return failed(
    failureInAnswer(text, { errorType: 'FunctionError', message: `the function answered an error, ${functionError}`, retryAfter }),
  );
}
