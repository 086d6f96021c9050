import { openTexts } from '#src/core/encryption/open-texts.ts';
import type { PayloadSealer } from '#src/core/encryption/payload-sealer.ts';
import type { AnswerOf, History, Question } from '#src/core/history-questions.ts';
import type { Envelope } from '#src/core/log/envelope.ts';
import type { FullLogEntry } from '#src/core/log/event-log.ts';
import type { LiveTransition } from '#src/core/log/transitions.ts';
import { isFunctionName, nameInPackage } from '#src/core/names/names.ts';
import type { Tenancy } from '#src/core/names/tenancy.ts';
import type { LiveAnswer } from '#src/core/ports/questions/live-output.ts';
import type { Timeline } from './invocations.ts';

/** Opens the sealed texts in what a client returns (ENC7). A text that cannot be opened stays sealed. Without settings of projects, nothing is copied. */
export interface Opener {
  timeline(timeline: Timeline): Timeline;
  envelope(envelope: Envelope): Envelope;
  entry(entry: FullLogEntry): FullLogEntry;
  transition(transition: LiveTransition): LiveTransition;
  history(history: History): History;
  /** Opens the lines that a running attempt of the function printed. */
  live(answer: LiveAnswer, name: string): LiveAnswer;
}

export function createOpener(payloads: PayloadSealer, tenancy: Tenancy): Opener {
  return {
    timeline: (timeline) => openTexts(payloads, timeline, timeline.function),
    envelope: (envelope) =>
      payloads.isIdle ? envelope : openTexts(payloads, envelope, functionIn(envelope.request_context.function_urn, tenancy)),
    entry(entry) {
      switch (entry.kind) {
        case 'request':
          return openTexts(payloads, entry, entry.message.name.function);
        case 'append': {
          const { append, name } = entry;
          const facts = openTexts(payloads, append.facts, name.function);
          return facts === append.facts ? entry : { ...entry, append: { ...append, facts } };
        }
        default:
          return entry;
      }
    },
    transition: (transition) => openTexts(payloads, transition, transition.function),
    live: (answer, name) => openTexts(payloads, answer, name),
    history: (history) => ({
      ...history,
      async ask(question, query, options) {
        const answer = await history.ask(question, query, options);
        return openTexts(payloads, answer, ownerOf(question, answer));
      },
    }),
  };
}

/** The function that an answer belongs to, unless its parts name theirs. */
function ownerOf<Name extends Question>(question: Name, answer: AnswerOf<Name>): string {
  if (question !== 'timeline') return '';
  const { transitions } = answer as AnswerOf<'timeline'>;
  return transitions.map(({ fact }) => fact).find((fact) => fact.type === 'queued')?.function ?? '';
}

/** The function of a URN in an envelope; empty for a text that is none. */
function functionIn(urn: string, tenancy: Tenancy): string {
  const [, , , project = '', , packageOf = '', own = ''] = urn.split(':');
  const bare = nameInPackage(packageOf, own);
  const name = project === tenancy.project ? bare : `${project}=${bare}`;
  return isFunctionName(name) ? name : '';
}
