import { type Evidence, lostOutcomesAtMost, type RawMessage } from './evidence.ts';
import { groupBy, isOutcome, type Life, type Placed, parse, readLives, requestsIn, type Say } from './read-lives.ts';

/* What subscribers get: every outcome has its result, and every result says what the log says (EXEC4, PUB1). */

/** Does nothing for evidence without results. */
export function judgeResults(evidence: Evidence, lives: readonly Life[], say: Say): void {
  if (evidence.results === undefined) return;
  const lost = lostOutcomesAtMost(evidence);
  const published = groupBy(
    evidence.results,
    ({ subject, headers }) => `${subject.split('.').slice(1, -1).join('=')} ${headers['Request-Id'] ?? ''}`,
  );
  for (const { request, facts } of lives) {
    const outcome = facts.find(isOutcome);
    // The outcome of a batch is no result of its function.
    if (outcome === undefined || request.headers.Batch === 'opens') continue;
    judgeResultsOf(request.id, outcome, { found: published.get(`${request.fn} ${request.id}`) ?? [], lost, say });
  }
}

/** Whether nothing of these streams contradicts the outcomes. A result is stored a moment after its outcome. */
export function agrees(evidence: Pick<Evidence, 'log' | 'results' | 'isLossy' | 'cuts'>): boolean {
  const rules: string[] = [];
  const lives = readLives({ ...evidence, client: [] }, evidence.log.flatMap(requestsIn), () => {});
  judgeResults({ ...evidence, client: [] }, lives, (rule) => void rules.push(rule));
  return rules.length === 0;
}

type Found = { found: readonly RawMessage[]; lost: number; say: Say };

/**
 * `lost`: how many earlier outcomes of the request power cuts can have taken from the log. Their results come before that of the outcome,
 * which alone may be missing too: then the last cut took the result, and kept its outcome.
 */
function judgeResultsOf(id: string, outcome: Placed, { found, lost, say }: Found): void {
  if (found.length === 0 && lost === 0) return say('EXEC4', `the result of ${id} was not published`);
  const isOther = (result: RawMessage): boolean => !saysSame(result, outcome);
  // A publication whose answer was lost is repeated, so that one result may be stored twice.
  const others = new Set(found.filter(isOther).map(({ subject, data }) => `${subject} ${data}`)).size;
  const isMissing = found.every(isOther);
  const last = found.at(-1);
  if (others > 0 && lost === 0) say('E4', `a result of ${id} differs from its outcome`);
  else if (others > (isMissing ? lost - 1 : lost))
    say('E4', `${id} has ${others} results that differ from its outcome, after ${lost} cuts`);
  else if (!isMissing && last !== undefined && isOther(last)) say('E4', `the last result of ${id} differs from its outcome`);
}

type Envelope = { response_context?: { function_error: string }; response_payload?: string };

function saysSame({ subject, data }: RawMessage, outcome: Placed): boolean {
  const envelope = parse<Envelope>(data);
  if (!subject.endsWith(`.${outcome.type}`)) return false;
  if (outcome.type === 'succeeded') return envelope?.response_payload === outcome.payload;
  return envelope?.response_context?.function_error === (outcome.failure as { message: string }).message;
}
