import type { ExplanationView, InvocationView } from '#src/gateway/api/invocations/invocation-schemas.ts';
import { get } from '../api/http.ts';
import { invocationPath } from '../api/invocation-path.ts';
import { ProblemNotice, Skeleton } from '../parts/notices.tsx';
import { t } from '../shell/language.ts';
import { type Fetched, useFetch } from '../shell/use-fetch.ts';
import type { NamedEvent } from './named-events.ts';

type ExplanationProps = { explained: Fetched<ExplanationView>; events: readonly NamedEvent[]; onEvent: (name: string) => void };

/** How often the explanation of an open invocation is read: why it waits changes without an event. */
const READ_EVERY_MS = 5_000;

/** The explanation of an invocation, and why it waits now. */
export function useExplanation({ request_id, function: name, last_sequence, state, deliveries }: InvocationView): Fetched<ExplanationView> {
  const isOpen = state !== 'notified' || deliveries.some((delivery) => !['delivered', 'dead', 'dismissed'].includes(delivery.state));
  return useFetch(
    `${request_id} ${name} ${last_sequence}`,
    (signal) => get<ExplanationView>(invocationPath({ id: request_id, function: name }, '/explain'), signal),
    isOpen ? { everyMs: READ_EVERY_MS } : {},
  );
}

/** Sentences that explain what happened and why. A sentence selects its event. */
export function Explanation({ explained: { content: explanation, problem }, events, onEvent }: ExplanationProps) {
  return (
    <section class="card explanation" aria-label={t('Explanation')}>
      <div class="card-head">
        <h2>{t('Explanation')}</h2>
      </div>
      {problem === undefined ? null : <ProblemNotice problem={problem} />}
      {explanation === undefined && problem === undefined ? <Skeleton lines={4} /> : null}
      <ol>
        {(explanation?.sentences ?? []).map(({ text, sequence, rule }, index) => {
          const event = events.find((one) => one.sequence === sequence);
          const content = (
            <>
              {text} {rule === undefined ? null : <small title={t('a rule of src/DESIGN.md')}>{rule}</small>}
            </>
          );
          return (
            <li key={index}>
              {event === undefined ? (
                content
              ) : (
                <button type="button" class="sentence" onClick={() => onEvent(event.name)}>
                  {content}
                </button>
              )}
            </li>
          );
        })}
      </ol>
    </section>
  );
}
