import { useState } from 'preact/hooks';
import type { FunctionView } from '#src/gateway/api/schemas/functions.ts';
import { type Answer, type ApiError, ask } from '../api/http.ts';
import { useAction } from '../invocation/actions.tsx';
import { ProblemNotice } from '../parts/notices.tsx';
import { pretty } from '../parts/payload-text.ts';
import { say } from '../shell/toasts.tsx';
import { DestinationFields, type Target } from './destination-fields.tsx';

type Policy = FunctionView['definition']['policy'];
type NumberField = 'maxRetries' | 'maxAgeInSeconds' | 'initialInMs' | 'factor' | 'maxInMs' | 'jitter';
/** What was typed, as it was typed. */
type Draft = Record<NumberField, string> & {
  onSuccess: Target[];
  onFailure: Target[];
  allowCycle: boolean;
};

const numbers: readonly { field: NumberField; pointer: string; label: string; hint: string }[] = [
  { field: 'maxRetries', pointer: '/maxRetries', label: 'Retries', hint: '0 to 3' },
  { field: 'maxAgeInSeconds', pointer: '/maxAgeInSeconds', label: 'Oldest event, seconds', hint: '1 to 86,400; an older one is discarded' },
  { field: 'initialInMs', pointer: '/backoff/initialInMs', label: 'First delay, ms', hint: 'before the first retry' },
  { field: 'factor', pointer: '/backoff/factor', label: 'Factor', hint: 'a delay is so many times the one before' },
  { field: 'maxInMs', pointer: '/backoff/maxInMs', label: 'Longest delay, ms', hint: 'no delay is longer' },
  { field: 'jitter', pointer: '/backoff/jitter', label: 'Jitter', hint: '0 to 1: up to so much less, by chance' },
];

type PolicyCardProps = {
  path: string;
  answer: Answer<FunctionView>;
  /** The names of other functions, to choose from. */
  functions: readonly string[];
  /** Reads the function again. */
  onSaved: () => void;
};

/**
 * The asynchronous policy. It is sent as it was typed, so that the gateway alone judges it; and refused when somebody else changed
 * the function since it was read. Mount it anew for another policy.
 */
export function PolicyCard({ path, answer, functions, onSaved }: PolicyCardProps) {
  const { policy } = answer.content.definition;
  const [draft, setDraft] = useState<Draft>(() => draftOf(policy));
  const { run, isRunning, problem } = useAction<unknown>();
  const isChanged = JSON.stringify(policyOf(draft)) !== JSON.stringify(policyOf(draftOf(policy)));
  const save = (event: Event): void => {
    event.preventDefault();
    void run(async () => {
      await ask(`${path}/policy`, { method: 'PATCH', body: policyOf(draft), headers: { 'If-Match': answer.etag ?? '*' } });
      say('The policy is saved; it holds for what starts from now on');
      onSaved();
      return true;
    });
  };
  const general = problem === undefined ? undefined : withoutFields(problem);
  return (
    <form class="card policy" aria-label="Asynchronous policy" onSubmit={save} noValidate>
      <div class="card-head">
        <h2>Asynchronous policy</h2>
      </div>
      <div class="policy-numbers">
        {numbers.map(({ field, pointer, label, hint }) => (
          <label key={field} class="field">
            <span>{label}</span>
            <input
              inputMode="decimal"
              value={draft[field]}
              aria-invalid={messageAt(problem, pointer) !== undefined}
              onInput={({ currentTarget }) => setDraft({ ...draft, [field]: currentTarget.value })}
            />
            <small class={messageAt(problem, pointer) === undefined ? '' : 'wrong'}>{messageAt(problem, pointer) ?? hint}</small>
          </label>
        ))}
      </div>
      {(['onSuccess', 'onFailure'] as const).map((list) => (
        <DestinationFields
          key={list}
          label={list === 'onSuccess' ? 'Told about a success' : 'Told about a failure'}
          targets={draft[list]}
          functions={functions}
          messageAt={(place) => messageAt(problem, `/${list}/${place}`)}
          onChange={(targets) => setDraft({ ...draft, [list]: targets })}
        />
      ))}
      <label class="check">
        <input
          type="checkbox"
          checked={draft.allowCycle}
          onChange={({ currentTarget }) => setDraft({ ...draft, allowCycle: currentTarget.checked })}
        />
        <span>
          Allow a loop of destinations (<code>allowCycle</code>): it is still cut when it runs
        </span>
      </label>
      {general === undefined ? null : <ProblemNotice problem={general} />}
      <div class="policy-foot">
        <button type="submit" class="button primary small" disabled={!isChanged || isRunning}>
          Save the policy
        </button>
        {problem?.status === 412 ? (
          <button type="button" class="button small" onClick={onSaved}>
            Load what is saved now
          </button>
        ) : null}
        <button type="button" class="button small" disabled={!isChanged} onClick={() => setDraft(draftOf(policy))}>
          Back to what is saved
        </button>
      </div>
    </form>
  );
}

function draftOf({ maxRetries, maxAgeInSeconds, backoff, onSuccess, onFailure, allowCycle }: Policy): Draft {
  const targets = (list: Policy['onSuccess']): Target[] =>
    list.map(({ destination, param }, key) => ({ key, destination, param: pretty(param).text }));
  return {
    maxRetries: String(maxRetries),
    maxAgeInSeconds: String(maxAgeInSeconds),
    initialInMs: String(backoff.initialInMs),
    factor: String(backoff.factor),
    maxInMs: String(backoff.maxInMs),
    jitter: String(backoff.jitter),
    onSuccess: targets(onSuccess),
    onFailure: targets(onFailure),
    allowCycle,
  };
}

function policyOf({ maxRetries, maxAgeInSeconds, initialInMs, factor, maxInMs, jitter, onSuccess, onFailure, allowCycle }: Draft): object {
  const told = (targets: readonly Target[]) => targets.map(({ destination, param }) => ({ destination, param }));
  return {
    maxRetries: numberIn(maxRetries),
    maxAgeInSeconds: numberIn(maxAgeInSeconds),
    backoff: { initialInMs: numberIn(initialInMs), factor: numberIn(factor), maxInMs: numberIn(maxInMs), jitter: numberIn(jitter) },
    onSuccess: told(onSuccess),
    onFailure: told(onFailure),
    allowCycle,
  };
}

/** What is no number is sent as it is, and refused by the gateway with its own words. */
function numberIn(text: string): number | string {
  const value = Number(text.trim());
  return text.trim() === '' || Number.isNaN(value) ? text : value;
}

function messageAt(problem: ApiError | undefined, pointer: string): string | undefined {
  return problem?.errors.find((error) => error.pointer === pointer || error.pointer?.startsWith(`${pointer}/`) === true)?.detail;
}

/** What is told at a field is not told again below. */
function withoutFields(problem: ApiError): ApiError | undefined {
  const known = (pointer = ''): boolean => numbers.some((one) => one.pointer === pointer) || /^\/on(Success|Failure)\/\d+/.test(pointer);
  return problem.errors.length > 0 && problem.errors.every(({ pointer }) => known(pointer)) ? undefined : problem;
}
