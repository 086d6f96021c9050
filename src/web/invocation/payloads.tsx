import type { InvocationView } from '#src/gateway/api/schemas/invocations.ts';
import { CopyButton } from '../parts/copy.tsx';
import { Payload } from '../parts/payload.tsx';
import { formatBytes } from '../parts/payload-text.ts';
import { Scrollable } from '../parts/scrollable.tsx';

export function Request({ view: { request } }: { view: InvocationView }) {
  return (
    <section class="card" aria-label="Request">
      <div class="card-head">
        <h2>Request</h2>
        <span class="hint">{request.content_type}</span>
      </div>
      <Payload text={request.payload} name="the request payload" file="request.json" />
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
    <section class="card outcome-failed" aria-label="Error">
      <OutcomeHead title={result === undefined ? 'Last error' : 'Error'} result={result} />
      {failure === undefined ? null : <FailureText failure={failure} />}
    </section>
  );
}

type Result = NonNullable<InvocationView['result']>;

function Success({ view: { dropped_bytes }, result }: { view: InvocationView; result: Result }) {
  const empty =
    dropped_bytes === undefined
      ? 'the function returned nothing'
      : `the function returned ${formatBytes(dropped_bytes)}; a result of more than 256 KB is dropped`;
  return (
    <section class="card" aria-label="Result">
      <OutcomeHead title="Result" result={result} />
      <Payload text={result.payload} name="the result" file="result.json" empty={empty} />
    </section>
  );
}

function OutcomeHead({ title, result }: { title: string; result: Result | undefined }) {
  return (
    <div class="card-head">
      <h2>{title}</h2>
      {result === undefined ? null : <span class="hint">status code {result.status_code}</span>}
    </div>
  );
}

function FailureText({ failure }: { failure: NonNullable<InvocationView['failure']> }) {
  const stack = failure.stackTrace?.join('\n') ?? '';
  const kinds = { function: 'the function failed', platform: 'the function could not be run', lost: 'the worker was lost' };
  return (
    <div class="failure">
      <p class="failure-message">
        <b>{failure.errorType}</b> {failure.message}
      </p>
      <p class="hint">
        {kinds[failure.kind]}, code {failure.code}
      </p>
      {stack === '' ? null : (
        <div class="payload">
          <div class="payload-head">
            <span class="size">Stack</span>
            <div class="spring" />
            <CopyButton text={`${failure.errorType}: ${failure.message}\n${stack}`} name="the error with its stack" />
          </div>
          <Scrollable class="code" label="Stack">
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
    <section class="card" aria-label="Output">
      <div class="card-head">
        <h2>Output</h2>
        <span class="hint">the last 4 KB of each attempt</span>
      </div>
      {printed.map(({ attempt, output }, index) => (
        <details key={attempt} class="output" open={index === printed.length - 1}>
          <summary>Attempt {attempt}</summary>
          <Payload text={output} name={`the output of attempt ${attempt}`} file={`attempt-${attempt}.txt`} />
        </details>
      ))}
    </section>
  );
}
