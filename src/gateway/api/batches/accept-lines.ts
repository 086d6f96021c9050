import { MAX_PAYLOAD_BYTES } from '#machines/facts.ts';
import { InvalidInputError } from '#src/core/errors.ts';
import { lineKey } from '#src/core/lines/line-key.ts';
import { sendLines, type TextLine } from '#src/core/lines/send-lines.ts';
import type { DueOptions } from '#src/core/log/requests/due-time.ts';
import { threadTime } from '#src/core/quotas/thread-time.ts';
import { bodyParts } from '#src/gateway/http/bodies/body-parts.ts';
import { refuseCostlyJson } from '#src/gateway/http/bodies/json-scan.ts';
import { HttpError, toHttpError } from '#src/gateway/http/http-error.ts';
import { openReplyLines } from '#src/gateway/http/reply-lines.ts';
import { allowLongRequest } from '#src/gateway/http/server/long-requests.ts';
import { differenceOf, idOfKey } from '../../idempotency.ts';
import type { Call, Gateway } from '../../ports.ts';
import type { Scope } from '../../scope.ts';
import { endsOf } from '../streams/streams.ts';
import { type AcceptedLine, BatchReport } from './batch-report.ts';

type BatchLimits = {
  maxLines: number;
  maxBytes: number;
  /** How long nothing may arrive, and how long the caller may read nothing. */
  idleInMs: number;
  totalInMs: number;
  /** What may be in flight: read, and not yet in the reply. */
  inFlight: { maxItems: number; maxBytes: number };
};

export type Batch = {
  name: string;
  key: string | undefined;
  /** The id of the batch, and the sequence of the request that opened it. */
  id: string;
  request: number;
  options: { traceparent: string | undefined; qualifier: string | undefined } & DueOptions;
  scope: Scope;
  /** Whether the reply lists the request ids. */
  listsIds: boolean;
  limits: BatchLimits;
  /** Called once, when nothing of the batch is in flight any more. */
  onEnd: () => void;
};

const MAX_BUFFERED_BYTES = 64 * 1_024;

/**
 * Accepts the lines of a body, and replies while it accepts them.
 *
 * 1. A line leaves the memory when the reply with its outcome was taken. A slow log, and a caller that does not read the reply, therefore
 *    stop the reading of the body.
 * 2. The last line of the reply has the counts, and the problem that ended the batch early.
 * 3. The batch is sealed after its last line, before the reply ends.
 * 4. The connection stays usable. When the caller is gone, the lines in flight are still accepted.
 */
export function acceptLines(gateway: Gateway, call: Call, batch: Batch): Response {
  const { limits, scope, onEnd } = batch;
  const reply = openReplyLines({ maxBufferedBytes: MAX_BUFFERED_BYTES, stallInMs: limits.idleInMs });
  const report = new BatchReport({ id: batch.id, nameOf: scope.nameOf, listsIds: batch.listsIds });
  const stop = stopOf(gateway, call, { gone: reply.gone, totalInMs: limits.totalInMs });
  const endLongRequest = allowLongRequest(call.env?.incoming?.socket);

  async function accept(): Promise<void> {
    try {
      await sendLines(bodyParts(call, { ...limits, stop: stop.signal }), {
        maxLineBytes: MAX_PAYLOAD_BYTES,
        maxLines: limits.maxLines,
        inFlight: limits.inFlight,
        send: (line) => threadTime.spend(call.get('project'), () => sendLine(gateway, batch, line)),
        async report(outcomes) {
          const text = report.record(outcomes);
          // After a failure no line is sent, so the remainder of the body is not awaited.
          if (report.failure !== undefined) stop.end(report.failure);
          await reply.write(text);
        },
      });
    } catch (error) {
      report.fail(error);
    }
    // A batch that ended early stays open, so that its repetition continues it.
    if (report.failure === undefined) await seal(gateway, batch).catch((error: unknown) => report.fail(error));
    const { failure } = report;
    if (failure !== undefined && toHttpError(failure).status >= 500)
      gateway.logger.warn({ request: call.get('requestId'), path: call.req.path, error: String(failure) }, 'a batch ended early');
    await reply.write(report.end());
  }

  void accept().finally(() => {
    stop.close();
    endLongRequest();
    reply.end();
    // A caller that reads nothing would keep the connection open.
    if (reply.gone.aborted) call.env?.outgoing?.destroy();
    onEnd();
  });
  const headers = { 'Content-Type': 'application/x-ndjson', 'X-Accel-Buffering': 'no', Location: `/api/batches/${batch.id}` };
  return new Response(reply.body, { headers });
}

async function seal({ client }: Gateway, { name, id, request }: Batch): Promise<void> {
  await client.batches.seal({ function: name, id, request });
}

/** Throws `InvalidInputError` when the line is wrong, or another event was accepted under its key. */
async function sendLine({ client, tenancy }: Gateway, batch: Batch, { number, text }: TextLine): Promise<AcceptedLine> {
  const { name, key, scope } = batch;
  const options = { ...batch.options, batch: batch.id };
  const costly = refuseCostlyJson(Buffer.from(text));
  if (costly !== undefined) throw new InvalidInputError({ field: 'the payload', problem: costly.problem });
  if (key === undefined) {
    const { requestId } = await client.invokeText(name, text, options);
    return { requestId, isRepeated: false };
  }
  const id = idOfKey(lineKey(key, number), scope, tenancy);
  const { requestId, earlier } = await client.invokeOnce(name, text, { ...options, id });
  const other = earlier === undefined ? undefined : differenceOf(earlier, { payload: text, options });
  if (other === undefined) return { requestId, isRepeated: earlier !== undefined };
  throw new InvalidInputError({ field: `the key ${lineKey(key, number)}`, problem: `was used before, with another ${other}` });
}

type Stop = { signal: AbortSignal; end: (reason: unknown) => void; close: () => void };

/** Ends a batch with the gateway, with the credential of its caller, when the caller is gone, and after the longest time. */
function stopOf(gateway: Gateway, call: Call, { gone, totalInMs }: { gone: AbortSignal; totalInMs: number }): Stop {
  const stopping = new AbortController();
  const end = (reason: unknown): void => stopping.abort(reason);
  const onEnd = (): void => {
    const why = gateway.closing.aborted ? 'the gateway stops' : 'the credential was removed';
    end(new HttpError({ status: 503, message: `${why}; with a key, the whole batch can be repeated`, retryAfterInS: 1 }));
  };
  const onGone = (): void => end(new HttpError({ status: 400, message: 'the caller is gone' }));
  const signals = endsOf(call, gateway);
  for (const signal of signals) signal.addEventListener('abort', onEnd, { once: true });
  if (signals.some(({ aborted }) => aborted)) onEnd();
  gone.addEventListener('abort', onGone, { once: true });
  const tooLong = new HttpError({ status: 408, message: `the batch took longer than ${totalInMs / 60_000} minutes` });
  const timer = setTimeout(end, totalInMs, tooLong);
  return {
    signal: stopping.signal,
    end,
    close() {
      clearTimeout(timer);
      for (const signal of signals) signal.removeEventListener('abort', onEnd);
    },
  };
}
