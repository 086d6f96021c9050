import { useEffect, useState } from 'preact/hooks';
import { formatDuration } from '#src/core/text/format-duration.ts';
import { EventList } from '../invocation/events/event-list.tsx';
import { Timeline } from '../invocation/events/timeline.tsx';
import { withNames } from '../invocation/named-events.ts';
import { FormField, type Option } from '../parts/forms/form-field.tsx';
import { InvocationBadge } from '../parts/state-badge.tsx';
import { type Text, t, tn } from '../shell/language.ts';
import { FIRST_CHOICE, type PolicyChoice, type PolicyRun, type RunPolicy } from './choice.ts';

type Field = { name: keyof PolicyChoice; label: Text; options?: readonly Option[] };
type Part = { title: Text; fields: readonly Field[] };

const form: readonly Part[] = [
  {
    title: 'The function',
    fields: [
      { name: 'failures', label: 'Attempts that fail' },
      {
        name: 'failure',
        label: 'Error',
        options: [
          { value: 'error', label: 'any error' },
          { value: 'final', label: 'an error that is not retried' },
        ],
      },
      { name: 'attemptInMs', label: 'Duration of an attempt, ms' },
    ],
  },
  {
    title: 'Its policy',
    fields: [
      { name: 'maxRetries', label: 'Retries, 0 to 3' },
      { name: 'initialInMs', label: 'First delay, ms' },
      { name: 'factor', label: 'Factor' },
      { name: 'maxInMs', label: 'Longest delay, ms' },
      { name: 'maxAgeInSeconds', label: 'Age limit, seconds' },
    ],
  },
  {
    title: 'Its destination',
    fields: [
      {
        name: 'destination',
        label: 'Destination of the outcome',
        options: [{ value: 'none', label: 'none' }, { value: 'HTTP' }, { value: 'FunctionGraph', label: 'another function' }],
      },
      {
        name: 'receiver',
        label: 'The receiver over HTTP',
        options: [
          { value: 'accepts', label: 'accepts' },
          { value: 'recovers', label: 'fails twice, then accepts' },
          { value: 'refuses', label: 'refuses for good' },
          { value: 'down', label: 'does not answer' },
        ],
      },
    ],
  },
];

/** A form for a policy, and the timeline of the invocation that the real machine makes of it. */
export function PolicyPage({ run }: { run: RunPolicy }) {
  const [choice, setChoice] = useState(FIRST_CHOICE);
  const { found, problem } = useRun(run, choice);
  return (
    <div class="try-page">
      <form class="card try-form" onSubmit={(event) => event.preventDefault()}>
        {form.map(({ title, fields }) => (
          <fieldset key={title}>
            <legend>{t(title)}</legend>
            {fields.map(({ name, label, options }) => (
              <FormField
                key={name}
                label={t(label)}
                value={choice[name]}
                isNumber={options === undefined}
                {...(options === undefined ? {} : { options })}
                onChange={(value) => setChoice({ ...choice, [name]: value })}
              />
            ))}
          </fieldset>
        ))}
      </form>
      {problem === undefined ? null : (
        <p class="card wrong" role="alert">
          {problem}
        </p>
      )}
      {found === undefined || problem !== undefined ? null : <Outcome found={found} />}
    </div>
  );
}

function useRun(run: RunPolicy, choice: PolicyChoice): { found: PolicyRun | undefined; problem: string | undefined } {
  const [found, setFound] = useState<PolicyRun>();
  const [problem, setProblem] = useState<string>();
  useEffect(() => {
    // The answer to an earlier choice is not shown.
    let isLatest = true;
    run(choice).then(
      (made) => {
        if (!isLatest) return;
        setFound(made);
        setProblem(undefined);
      },
      (error: unknown) => {
        if (isLatest) setProblem(error instanceof Error ? error.message : String(error));
      },
    );
    return () => {
      isLatest = false;
    };
  }, [run, choice]);
  return { found, problem };
}

function Outcome({ found: { events, state, status, attempts } }: { found: PolicyRun }) {
  const [shown, setShown] = useState<string>();
  const named = withNames(events);
  const took = (events.at(-1)?.at ?? 0) - (events[0]?.at ?? 0);
  const isLatest = !named.some(({ name }) => name === shown);
  return (
    <>
      <p class="try-outcome" role="status">
        <InvocationBadge state={state} status={status} /> {tn(attempts, ['1 attempt', '{count} attempts'])}
        {' · '}
        {t('{duration} of virtual time', { duration: formatDuration(took) })}
      </p>
      <Timeline
        events={named}
        shown={isLatest ? undefined : named.find(({ name }) => name === shown)}
        waitsFor={undefined}
        onEvent={setShown}
      />
      <EventList events={named} shown={named.find(({ name }) => name === shown)} isLatest={isLatest} onEvent={setShown} />
    </>
  );
}
