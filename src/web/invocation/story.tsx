import { get } from '../api/http.ts';
import { ProblemNotice, Skeleton } from '../parts/notices.tsx';
import { useAsked } from '../shell/asked.ts';
import type { NamedEvent } from './use-invocation.ts';

type Sentence = { at: number; sequence?: number; text: string; rule?: string };
type StoryProps = { id: string; version: number; events: readonly NamedEvent[]; onEvent: (name: string) => void };

/** What happened and why, in sentences; each leads to its event. */
export function Story({ id, version, events, onEvent }: StoryProps) {
  const { content, problem } = useAsked(`${id} ${version}`, (signal) =>
    get<{ sentences: Sentence[] }>(`/api/invocations/${encodeURIComponent(id)}/explain`, signal),
  );
  return (
    <section class="card story" aria-label="Explanation">
      <div class="card-head">
        <h2>Explanation</h2>
      </div>
      {problem === undefined ? null : <ProblemNotice problem={problem} />}
      {content === undefined && problem === undefined ? <Skeleton lines={4} /> : null}
      <ol>
        {(content?.sentences ?? []).map(({ text, sequence, rule }, place) => {
          const event = events.find((one) => one.sequence === sequence);
          const words = (
            <>
              {text} {rule === undefined ? null : <small title="a rule of src/DESIGN.md">{rule}</small>}
            </>
          );
          return (
            <li key={place}>
              {event === undefined ? (
                words
              ) : (
                <button type="button" class="sentence" onClick={() => onEvent(event.name)}>
                  {words}
                </button>
              )}
            </li>
          );
        })}
      </ol>
    </section>
  );
}
