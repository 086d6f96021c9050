import type { InvocationView, LargeView } from '#src/gateway/api/invocations/invocation-schemas.ts';
import { type InvocationName, invocationPath } from '../api/invocation-path.ts';
import { CopyButton } from '../parts/copy.tsx';
import { messageText } from '../parts/failure-summary.ts';
import { Icon } from '../parts/icon.tsx';
import { Payload } from '../parts/payload.tsx';
import { formatBytes } from '../parts/payload-text.ts';
import { Scrollable } from '../parts/scrollable.tsx';
import { formatNumber, type Text, t } from '../shell/language.ts';

export function Request({ view: { request, request_id: id, function: fn } }: { view: InvocationView }) {
  return (
    <section class="card" aria-label={t('Request')}>
      <div class="card-head">
        <h2>{t('Request')}</h2>
        <span class="hint">{request.content_type}</span>
      </div>
      {request.large === undefined ? (
        <Payload text={request.payload} name={t('the request payload')} file="request.json" />
      ) : (
        <LargePayload name={{ id, function: fn }} part="payload" large={request.large} />
      )}
      {request.traceparent === undefined ? null : (
        <dl class="properties">
          <div>
            <dt>traceparent</dt>
            <dd class="mono">{request.traceparent}</dd>
          </div>
        </dl>
      )}
    </section>
  );
}

/** The outcome: the returned value, or the error with its stack. */
export function Outcome({ view }: { view: InvocationView }) {
  const { result, failure, status } = view;
  if (status === 'SUCCESS') return result === undefined ? null : <Success view={view} result={result} />;
  if (result === undefined && failure === undefined) return null;
  return (
    <section class="card outcome-failed" aria-label={t('Error')}>
      <OutcomeHead title={result === undefined ? t('Last error') : t('Error')} result={result} />
      {failure === undefined ? null : <FailureText failure={failure} />}
    </section>
  );
}

type Result = NonNullable<InvocationView['result']>;

function Success({ view: { dropped_bytes, request_id: id, function: fn }, result }: { view: InvocationView; result: Result }) {
  const empty =
    dropped_bytes === undefined
      ? t('the function returned nothing')
      : t('the function returned {size}; a result of more than 256 KB is dropped', { size: formatBytes(dropped_bytes) });
  return (
    <section class="card" aria-label={t('Result')}>
      <OutcomeHead title={t('Result')} result={result} />
      {result.large === undefined ? (
        <Payload text={result.payload} name={t('the result')} file="result.json" empty={empty} />
      ) : (
        <LargePayload name={{ id, function: fn }} part="result" large={result.large} />
      )}
    </section>
  );
}

function OutcomeHead({ title, result }: { title: string; result: Result | undefined }) {
  return (
    <div class="card-head">
      <h2>{title}</h2>
      {result === undefined ? null : <span class="hint">{t('status code {code}', { code: result.status_code })}</span>}
    </div>
  );
}

const failureKinds = {
  function: 'the function failed',
  platform: 'the function could not be run',
  lost: 'the worker was lost',
} as const satisfies Record<string, Text>;

function FailureText({ failure }: { failure: NonNullable<InvocationView['failure']> }) {
  const stack = failure.stackTrace?.join('\n') ?? '';
  return (
    <div class="failure">
      <p class="failure-message">
        <b>{failure.errorType}</b> {messageText(failure.message)}
      </p>
      <p class="hint">{t('{what}, code {code}', { what: t(failureKinds[failure.kind]), code: failure.code })}</p>
      {stack === '' ? null : (
        <div class="payload">
          <div class="payload-head">
            <span class="size">{t('Stack')}</span>
            <div class="spring" />
            <CopyButton text={`${failure.errorType}: ${failure.message}\n${stack}`} name={t('the error with its stack')} />
          </div>
          <Scrollable class="code" label={t('Stack')}>
            <pre>{stack}</pre>
          </Scrollable>
        </div>
      )}
    </div>
  );
}

/** The output of each attempt. The log keeps the last 4 KB. */
export function Outputs({ outputs }: { outputs: InvocationView['outputs'] }) {
  const printed = outputs.filter(({ output }) => output !== '');
  if (printed.length === 0) return null;
  return (
    <section class="card" aria-label={t('Output')}>
      <div class="card-head">
        <h2>{t('Output')}</h2>
        <span class="hint">{t('the last 4 KB of each attempt')}</span>
      </div>
      {printed.map(({ attempt, output }, index) => (
        <details key={attempt} class="output" open={index === printed.length - 1}>
          <summary>{t('Attempt {attempt}', { attempt })}</summary>
          <Payload text={output} name={t('the output of attempt {attempt}', { attempt })} file={`attempt-${attempt}.txt`} />
        </details>
      ))}
    </section>
  );
}

type LargePayloadProps = { name: InvocationName; part: 'payload' | 'result'; large: LargeView };

/** A payload that is stored beside the log: its size, its digest, and a link that downloads it. */
function LargePayload({ name, part, large: { bytes, digest } }: LargePayloadProps) {
  return (
    <div class="payload">
      <div class="payload-head">
        <span class="size" title={t('{count} bytes', { count: formatNumber(bytes) })}>
          {formatBytes(bytes)}
        </span>
        <div class="spring" />
        <a class="button small" href={invocationPath(name, `/${part}`)} download="">
          <Icon name="download" size={14} /> {t('Download')}
        </a>
      </div>
      <p class="hint">{t('It is stored beside the log, as long as the log holds the invocation.')}</p>
      <dl class="properties">
        <div>
          <dt>{t('SHA-256 of the stored object')}</dt>
          <dd class="mono">
            {digest} <CopyButton text={digest} name={t('the digest')} />
          </dd>
        </div>
      </dl>
    </div>
  );
}
