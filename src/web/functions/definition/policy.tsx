import { useState } from 'preact/hooks';
import { parseJson } from '#src/core/json/json.ts';
import { durationText } from '#src/core/text/parse-duration.ts';
import type { FunctionView } from '#src/gateway/api/functions/function-schemas.ts';
import { type ApiError, type ApiResponse, request, withQuery } from '../../api/http.ts';
import { useAction } from '../../invocation/actions.tsx';
import { quantityOrText } from '../../parts/bulk/quantities.ts';
import { messageAt, numberOrText } from '../../parts/forms/form-field.tsx';
import { type Field, FormFields } from '../../parts/forms/form-fields.tsx';
import { ProblemNotice } from '../../parts/notices.tsx';
import { formatJson } from '../../parts/payload-text.ts';
import { RichText } from '../../parts/rich-text.tsx';
import { t } from '../../shell/language.ts';
import { useRole } from '../../shell/login/session.ts';
import { showToast } from '../../shell/toasts.tsx';
import { DestinationFields, type Target } from './destination-fields.tsx';
import type { FunctionChoice } from './function-target.tsx';

type Policy = FunctionView['definition']['policy'];
type NumberField = 'maxRetries' | 'maxAge' | 'initial' | 'factor' | 'max' | 'jitter';
/** The fields of the form, as the user typed them. */
type Draft = Record<NumberField, string> & {
  onSuccess: Target[];
  onFailure: Target[];
  allowCycle: boolean;
};

const numbers: readonly Field<NumberField>[] = [
  {
    name: 'maxRetries',
    at: '/maxRetries',
    label: 'Retries',
    hint: 'after a failure of the function',
    options: [{ value: '0', label: 'none' }, { value: '1' }, { value: '2' }, { value: '3' }],
  },
  { name: 'maxAge', at: '/maxAgeInSeconds', label: 'Maximum age', hint: '1s to 24h; an older event is discarded', unit: 'duration' },
  { name: 'initial', at: '/backoff/initialInMs', label: 'First delay', hint: 'before the first retry, such as 1s', unit: 'duration' },
  { name: 'factor', at: '/backoff/factor', label: 'Factor', hint: 'each delay is the previous one times this', isNumber: true },
  { name: 'max', at: '/backoff/maxInMs', label: 'Maximum delay', hint: 'upper bound of a delay, such as 1m', unit: 'duration' },
  { name: 'jitter', at: '/backoff/jitter', label: 'Jitter', hint: '0 to 1: random reduction of a delay', isNumber: true },
];

type PolicyCardProps = {
  path: string;
  response: ApiResponse<FunctionView>;
  /** The version or the alias whose policy is edited, and all that can be chosen. */
  qualifier: string;
  qualifiers: readonly string[];
  policy: Policy;
  /** False for an alias that has no policy of its own: the policy is then that of its version. */
  isOwn: boolean;
  /** Whether no destination and no follower of the results is told of failures. */
  isUntold: boolean;
  /** The functions that are suggested as destinations. */
  functions: readonly FunctionChoice[];
  onQualifier: (qualifier: string) => void;
  /** Called when the function has to be read again. */
  onSaved: () => void;
};

/**
 * The form of an asynchronous policy. Only the gateway validates it. The gateway refuses it when the function was changed since it
 * was read (`If-Match`). Remount the form, with a `key`, to show another policy.
 */
export function PolicyCard({ path, response, qualifier, policy, isOwn, isUntold, functions, onSaved, ...choice }: PolicyCardProps) {
  const [draft, setDraft] = useState<Draft>(() => draftOf(policy));
  const { run, isRunning, problem } = useAction<unknown>();
  const role = useRole('deploy');
  const isChanged = JSON.stringify(policyOf(draft)) !== JSON.stringify(policyOf(draftOf(policy)));
  const send = (method: 'PATCH' | 'DELETE', done: string): void =>
    void run(async () => {
      const body = method === 'PATCH' ? { body: policyOf(draft) } : {};
      await request(withQuery(`${path}/policy`, { qualifier }), { method, ...body, headers: { 'If-Match': response.etag ?? '*' } });
      showToast(done);
      onSaved();
      return true;
    });
  const save = (event: Event): void => {
    event.preventDefault();
    send('PATCH', t('The policy is saved. It applies to invocations that start from now on.'));
  };
  const generalProblem = problem === undefined ? undefined : problemWithoutField(problem);
  return (
    <form class="card policy" aria-label={t('Asynchronous policy')} onSubmit={save} noValidate>
      <div class="card-head">
        <h2>{t('Asynchronous policy')}</h2>
        <div class="spring" />
        {choice.qualifiers.length < 2 ? null : <QualifierField qualifier={qualifier} {...choice} />}
      </div>
      {isOwn ? null : (
        <p class="hint">
          {t('The alias has no policy of its own: the policy of its version applies. When it is saved here, the alias gets its own.')}
        </p>
      )}
      <div class="policy-numbers">
        <FormFields fields={numbers} values={draft} problem={problem} set={(changed) => setDraft({ ...draft, ...changed })} />
      </div>
      {(['onSuccess', 'onFailure'] as const).map((list) => (
        <DestinationFields
          key={list}
          label={list === 'onSuccess' ? t('Destinations on success') : t('Destinations on failure')}
          targets={draft[list]}
          functions={functions}
          messageAt={(index) => messageAt(problem, `/${list}/${index}`)}
          onChange={(targets) => setDraft({ ...draft, [list]: targets })}
        />
      ))}
      {isUntold ? (
        <p class="hint">
          {t(
            'Nobody is told of a failure: there is no failure destination, and nobody follows the results. An alert on the metrics can tell of it.',
          )}
        </p>
      ) : null}
      <label class="check">
        <input
          type="checkbox"
          checked={draft.allowCycle}
          onChange={({ currentTarget }) => setDraft({ ...draft, allowCycle: currentTarget.checked })}
        />
        <span>
          <RichText
            text="Allow a loop of destinations ({field}). A running loop is still cut at the limit of the chain."
            values={{ field: <code>allowCycle</code> }}
          />
        </span>
      </label>
      {generalProblem === undefined ? null : <ProblemNotice problem={generalProblem} />}
      <div class="policy-foot">
        <button
          type="submit"
          class="button primary small"
          title={role.title}
          disabled={(isOwn && !isChanged) || isRunning || role.disabled}
        >
          {t('Save the policy')}
        </button>
        {problem?.status === 412 ? (
          <button type="button" class="button small" onClick={onSaved}>
            {t('Load the saved policy')}
          </button>
        ) : null}
        <button type="button" class="button small" disabled={!isChanged} onClick={() => setDraft(draftOf(policy))}>
          {t('Discard changes')}
        </button>
        {isOwn && qualifier.startsWith('!') ? (
          <button
            type="button"
            class="button small danger"
            disabled={isRunning || role.disabled}
            onClick={() => send('DELETE', t('The policy of the version applies again.'))}
          >
            {t('Remove the own policy')}
          </button>
        ) : null}
      </div>
    </form>
  );
}

type QualifierFieldProps = Pick<PolicyCardProps, 'qualifier' | 'qualifiers' | 'onQualifier'>;

function QualifierField({ qualifier, qualifiers, onQualifier }: QualifierFieldProps) {
  return (
    <select aria-label={t('Policy of')} value={qualifier} onChange={({ currentTarget }) => onQualifier(currentTarget.value)}>
      {qualifiers.map((one) => (
        <option key={one} value={one}>
          {one}
        </option>
      ))}
    </select>
  );
}

function draftOf({ maxRetries, maxAgeInSeconds, backoff, onSuccess, onFailure, allowCycle }: Policy): Draft {
  const targets = (list: Policy['onSuccess']): Target[] =>
    list.map(({ destination, param, when }, key) => ({
      key,
      destination,
      param: formatJson(param).text,
      when: when === undefined ? '' : JSON.stringify(when),
    }));
  return {
    maxRetries: String(maxRetries),
    maxAge: durationText(maxAgeInSeconds * 1_000),
    initial: durationText(backoff.initialInMs),
    factor: String(backoff.factor),
    max: durationText(backoff.maxInMs),
    jitter: String(backoff.jitter),
    onSuccess: targets(onSuccess),
    onFailure: targets(onFailure),
    allowCycle,
  };
}

function policyOf({ maxRetries, maxAge, initial, factor, max, jitter, onSuccess, onFailure, allowCycle }: Draft): object {
  const ageInMs = quantityOrText(maxAge, 'duration');
  const withoutKeys = (targets: readonly Target[]) =>
    targets.map(({ destination, param, when }) => ({ destination, param, ...(when.trim() === '' ? {} : { when: jsonOrText(when) }) }));
  return {
    maxRetries: numberOrText(maxRetries),
    maxAgeInSeconds: typeof ageInMs === 'number' ? ageInMs / 1_000 : ageInMs,
    backoff: {
      initialInMs: quantityOrText(initial, 'duration'),
      factor: numberOrText(factor),
      maxInMs: quantityOrText(max, 'duration'),
      jitter: numberOrText(jitter),
    },
    onSuccess: withoutKeys(onSuccess),
    onFailure: withoutKeys(onFailure),
    allowCycle,
  };
}

/** The value of a JSON text, or the typed text when it is none: the gateway refuses the text, and its message is shown. */
function jsonOrText(text: string): unknown {
  return parseJson(text) ?? text;
}

/** The problem, unless all its errors are shown at their fields. */
function problemWithoutField(problem: ApiError): ApiError | undefined {
  const hasField = (pointer = ''): boolean => numbers.some((one) => one.at === pointer) || /^\/on(Success|Failure)\/\d+/.test(pointer);
  return problem.errors.length > 0 && problem.errors.every(({ pointer }) => hasField(pointer)) ? undefined : problem;
}
