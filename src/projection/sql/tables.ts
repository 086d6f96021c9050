/** A documented table of `sequent sql`: a stable name and columns, whatever the read model has. `project` is a condition, `bare` a function. */
type Table = { columns: Readonly<Record<string, string>>; from: string; where: string; order: string };

const bareName = "substr(i.function, instr(i.function, '=') + 1)";

/** Times are milliseconds since the epoch. */
export const sqlTables: Readonly<Record<'invocations' | 'deliveries', Table>> = {
  invocations: {
    columns: {
      id: 'i.id',
      function: 'i.function',
      qualifier: 'i.qualifier',
      version: 'i.version',
      state: 'i.state',
      status: 'i.status',
      condition: 'i.condition',
      accepted_at: 'i.accepted_at',
      first_due_at: 'i.first_due_at',
      started_at: 'i.started_at',
      ended_at: 'i.ended_at',
      notified_at: 'i.notified_at',
      due_at: 'i.due_at',
      duration_ms: 'i.duration',
      attempts: 'i.attempts',
      retries: 'i.retries',
      lost: 'i.lost',
      priority: 'i.priority',
      root: 'i.root',
      parent: 'i.parent',
      redrive_of: 'i.redrive_of',
      batch: 'i.batch',
      schedule: 'i.schedule',
      error: 'i.error',
      error_type: 'i.error_type',
      error_code: 'i.error_code',
      waits_kind: 'i.waits_kind',
      waits_pool: 'i.waits_pool',
      waits_key: 'i.waits_key',
      waits_since: 'i.waits_since',
    },
    from: '<schema>.invocations i',
    where: 'i.opened_batch IS NULL',
    order: 'i.seq DESC',
  },
  deliveries: {
    columns: {
      invocation: 'i.id',
      function: 'i.function',
      destination: 'd.destination',
      kind: 'd.kind',
      param: 'd.param',
      state: 'd.state',
      tries: 'd.tries',
      due_at: 'd.due_at',
      reason: 'd.reason',
    },
    from: '<schema>.deliveries d JOIN <schema>.invocations i ON i.seq = d.invocation',
    where: 'true',
    order: 'i.seq DESC',
  },
};
export type SqlTable = keyof typeof sqlTables;

/** The query of a table in an attached schema. With a condition, its functions have the names by which their project knows them. */
export function selectOf(name: SqlTable, schema: string, project?: string): string {
  const { columns, from, where, order } = sqlTables[name];
  const shown = Object.entries(columns).map(
    ([column, of]) => `${column === 'function' && project !== undefined ? bareName : of} AS "${column}"`,
  );
  const condition = project === undefined ? where : `${where} AND ${project} ORDER BY ${order}`;
  return `SELECT ${shown.join(', ')} FROM ${from.replaceAll('<schema>', schema)} WHERE ${condition}`;
}
