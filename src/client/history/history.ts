import type { AnswerOf, AskOptions, History, HistoryPage, InvocationSummary, Moment, QueryOf } from '#src/core/history-questions.ts';
import { SQL_MS } from '#src/core/sql-questions.ts';

/** Several functions may have an invocation with the same id. The newest one of the function or the project is used. */
type Owner = { function?: string; project?: string };
/** An earlier moment: after a message of the log, or at a time. */
type AtMoment = { moment?: Moment };
/** How much of the log the answer must cover. */
type Freshness = Pick<AskOptions, 'atLeast'>;

/**
 * Queries about invocations, answered from a read model, which follows the log with a short delay and can search.
 *
 * Every query throws `HistoryUnavailableError` when no projection answers, and `InvalidInputError` for a query that is not valid. With
 * `freshness`, the answer covers the log at least up to the sequence `atLeast`.
 *
 * @example
 * import { connectClient } from 'sequent-functions/client';
 *
 * await using client = await connectClient();
 * const { invocations, cursor } = await client.history.list({ function: 'orders', limit: 50 });
 * for (const { id, acceptedAt } of invocations) console.log(id, new Date(acceptedAt).toISOString());
 * console.log(cursor === null ? 'that was the last page' : 'there are more');
 */
export interface ClientHistory {
  /** The invocation with this `id`, with its payload, its response and its deliveries. Throws `InvocationNotFoundError`. */
  get(id: string, options?: Owner & AtMoment, freshness?: Freshness): Promise<AnswerOf<'get'>>;
  /** One page of invocations, the newest first. Pass its `cursor` to get the next page. */
  list(query?: QueryOf<'list'>, freshness?: Freshness): Promise<HistoryPage>;
  /** Counts invocations up to the limit `most` of the query (10,000 by default). */
  count(query?: QueryOf<'count'>, freshness?: Freshness): Promise<AnswerOf<'count'>>;
  /** All invocations of a query, read page by page. Every page has the freshness. */
  all(query?: QueryOf<'list'>, freshness?: Freshness): AsyncIterable<InvocationSummary>;
  /** A page of batches with the counts of their members, the greatest id first. */
  batches(query?: QueryOf<'batches'>, freshness?: Freshness): Promise<AnswerOf<'batches'>>;
  /** Counts and durations by function and time. */
  stats(query?: QueryOf<'stats'>, freshness?: Freshness): Promise<AnswerOf<'stats'>['rows']>;
  /** Every transition of the invocation with this `id`, with the state after it. Throws `InvocationNotFoundError`. */
  timeline(id: string, options?: Owner & AtMoment): Promise<AnswerOf<'timeline'>>;
  /** The whole chain that contains the invocation with this `id`. Throws `InvocationNotFoundError`. */
  tree(id: string, options?: Owner, freshness?: Freshness): Promise<AnswerOf<'tree'>>;
  /** The dead deliveries, the newest first. */
  deadLetters(query?: QueryOf<'dead'>, freshness?: Freshness): Promise<AnswerOf<'dead'>>;
  /** How many invocations wait for slots, by pool and function, and by pool and key. */
  waits(query?: QueryOf<'waits'>): Promise<AnswerOf<'waits'>>;
  /** The answer to a query in SQL over the tables `invocations` and `deliveries`. Throws `InvalidInputError`. */
  sql(query: QueryOf<'sql'>, freshness?: Freshness): Promise<AnswerOf<'sql'>>;
  /** The messages and facts that the read model could not fold. */
  problems(query?: QueryOf<'problems'>): Promise<AnswerOf<'problems'>['problems']>;
  /** The instances that answer now. */
  instances(): Promise<string[]>;
  /** The checkpoint of an instance, or of the first instance that answers. */
  status(options?: AskOptions): Promise<AnswerOf<'status'>>;
  /** Makes one `instance` build a second read model from zero and compare all rows. */
  check(instance: string, options?: Pick<AskOptions, 'timeoutInMs'>): Promise<AnswerOf<'check'>>;
  /** Makes one `instance` build a new read model. The old one answers until the new one has reached its checkpoint. */
  rebuild(instance: string): Promise<AnswerOf<'rebuild'>>;
}

export function createClientHistory(history: History): ClientHistory {
  // The schemas of the queries refuse keys whose value is `undefined`.
  const queryOf = <Options extends Owner & AtMoment>(id: string, options: Options) =>
    Object.fromEntries(Object.entries({ id, ...options }).filter(([, value]) => value !== undefined)) as { id: string } & Options;
  return {
    get: (id, options = {}, freshness = {}) => history.ask('get', queryOf(id, options), freshness),
    list: (query = {}, freshness = {}) => history.ask('list', query, freshness),
    count: (query = {}, freshness = {}) => history.ask('count', query, freshness),
    async *all(query = {}, freshness = {}) {
      let cursor: string | null | undefined = query.cursor;
      do {
        const page: HistoryPage = await history.ask('list', cursor === undefined ? query : { ...query, cursor }, freshness);
        yield* page.invocations;
        cursor = page.cursor;
      } while (cursor !== null);
    },
    batches: (query = {}, freshness = {}) => history.ask('batches', query, freshness),
    stats: async (query = {}, freshness = {}) => (await history.ask('stats', query, { timeoutInMs: 30_000, ...freshness })).rows,
    timeline: (id, options = {}) => history.ask('timeline', queryOf(id, options)),
    tree: (id, options = {}, freshness = {}) => history.ask('tree', queryOf(id, options), freshness),
    deadLetters: (query = {}, freshness = {}) => history.ask('dead', query, freshness),
    waits: (query = {}) => history.ask('waits', query),
    // The query may wait for a place, and has its own time.
    sql: (query, freshness = {}) => history.ask('sql', query, { timeoutInMs: (query.withinMs ?? SQL_MS) * 2 + 10_000, ...freshness }),
    problems: async (query = {}) => (await history.ask('problems', query)).problems,
    instances: () => history.instances(),
    status: (options = {}) => history.ask('status', {}, options),
    check: (instance, { timeoutInMs = 600_000 } = {}) => history.ask('check', {}, { instance, timeoutInMs }),
    rebuild: (instance) => history.ask('rebuild', {}, { instance }),
  };
}
