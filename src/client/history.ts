import type { AnswerOf, AskOptions, History, HistoryPage, InvocationSummary, Moment, QueryOf } from '#src/core/history-questions.ts';

/** Several functions may have an invocation of the same id: the newest is meant, of the function or the project if one is given. */
type Named = { function?: string; project?: string };
/** As it was at an earlier moment: behind a message of the log, or at a time of the log. */
type Then = { moment?: Moment };

/**
 * Questions about invocations, answered from a read model: a moment behind the log, and able to search.
 *
 * Every question throws `HistoryUnavailableError` when no projection answers.
 */
export interface ClientHistory {
  /** One invocation with its payload, its response and its deliveries. Throws `InvocationNotFoundError`. */
  get(id: string, options?: Named & Then): Promise<AnswerOf<'get'>>;
  /** One page, the newest first; `cursor` leads to the next. */
  list(query?: QueryOf<'list'>): Promise<HistoryPage>;
  /** How many there are, counted up to `most` (10,000). */
  count(query?: QueryOf<'count'>): Promise<AnswerOf<'count'>>;
  /** All of them, page after page. */
  all(query?: QueryOf<'list'>): AsyncIterable<InvocationSummary>;
  stats(query?: QueryOf<'stats'>): Promise<AnswerOf<'stats'>['rows']>;
  /** Every transition, with the state after it. */
  timeline(id: string, options?: Named & Then): Promise<AnswerOf<'timeline'>>;
  /** The whole chain that an invocation is part of. */
  tree(id: string, options?: Named): Promise<AnswerOf<'tree'>>;
  deadLetters(query?: QueryOf<'dead'>): Promise<AnswerOf<'dead'>>;
  /** What the read model could not fold: kept, and shown. */
  problems(query?: QueryOf<'problems'>): Promise<AnswerOf<'problems'>['problems']>;
  /** The instances that answer now. */
  instances(): Promise<string[]>;
  /** How far an instance is; of whichever answers first when none is named. */
  status(options?: AskOptions): Promise<AnswerOf<'status'>>;
  /** Has one instance build a second read model from zero, and compare all rows. */
  check(instance: string, options?: Pick<AskOptions, 'timeoutInMs'>): Promise<AnswerOf<'check'>>;
  /** Has one instance build a new read model beside the old one, which serves until the new one is as far. */
  rebuild(instance: string): Promise<AnswerOf<'rebuild'>>;
}

export function createClientHistory(history: History): ClientHistory {
  // A question takes no values that are not there.
  const named = <Options extends Named & Then>(id: string, options: Options) =>
    Object.fromEntries(Object.entries({ id, ...options }).filter(([, value]) => value !== undefined)) as { id: string } & Options;
  return {
    get: (id, options = {}) => history.ask('get', named(id, options)),
    list: (query = {}) => history.ask('list', query),
    count: (query = {}) => history.ask('count', query),
    async *all(query = {}) {
      let cursor: string | null | undefined = query.cursor;
      do {
        const page: HistoryPage = await history.ask('list', cursor === undefined ? query : { ...query, cursor });
        yield* page.invocations;
        cursor = page.cursor;
      } while (cursor !== null);
    },
    stats: async (query = {}) => (await history.ask('stats', query, { timeoutInMs: 30_000 })).rows,
    timeline: (id, options = {}) => history.ask('timeline', named(id, options)),
    tree: (id, options = {}) => history.ask('tree', named(id, options)),
    deadLetters: (query = {}) => history.ask('dead', query),
    problems: async (query = {}) => (await history.ask('problems', query)).problems,
    instances: () => history.instances(),
    status: (options = {}) => history.ask('status', {}, options),
    check: (instance, { timeoutInMs = 600_000 } = {}) => history.ask('check', {}, { instance, timeoutInMs }),
    rebuild: (instance) => history.ask('rebuild', {}, { instance }),
  };
}
