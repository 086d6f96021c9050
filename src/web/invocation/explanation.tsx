import { get } from '../api/http.ts';
import { ProblemNotice, Skeleton } from '../parts/notices.tsx';
import { useFetch } from '../shell/use-fetch.ts';
import type { NamedEvent } from './use-invocation.ts';

type Sentence = { at: number; sequence?: number; text: string; rule?: string };
type ExplanationProps = { id: string; version: number; events: readonly NamedEvent[]; onEvent: (name: string) => void };

/** Sentences that explain what happened and why. A sentence selects its event. */
export function Explanation({ id, version, events, onEvent }: ExplanationProps) {
  const { content: explanation, problem } = useFetch(`${id} ${version}`, (signal) =>
    get<{ sentences: Sentence[] }>(`/api/invocations/${encodeURIComponent(id)}/explain`, signal),
  );
  return (
    <section class="card explanation" aria-label="Explanation">
      <div class="card-head">
        <h2>Explanation</h2>
      </div>
      {problem === undefined ? null : <ProblemNotice problem={problem} />}
      {explanation === undefined && problem === undefined ? <Skeleton lines={4} /> : null}
      <ol>
        {(explanation?.sentences ?? []).map(({ text, sequence, rule }, index) => {
          const event = events.find((one) => one.sequence === sequence);
          const content = (
            <>
              {text} {rule === undefined ? null : <small title="a rule of src/DESIGN.md">{rule}</small>}
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
