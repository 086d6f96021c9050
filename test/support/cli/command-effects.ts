/*
 * Every command that changes nothing in the streams of Sequent, by its kind. Every other command has --dry-run, and a row in
 * `changingCommands`: a line that a person types, and the values that the command may change.
 */

/** Reads and prints. `tail` creates the cursor that `--durable` names. */
export const reading = `result, ls, sql, get, stats, tree, timeline, explain, diff, tail, logs, cursor ls, dest ls, dest graph, dest dead ls,
dest dead show, connections ls, fn ls, fn get, fn code, fn versions, fn alias ls, fn event ls, fn event get, fn layer ls, flow ls, schedule ls,
schedule get, projection status, projection check, projection problems, doctor, loss ls, loss show, machine, nats-permissions, verify, audit,
archive ls, archive verify, heads, project ls, bulk ls, bulk show, batch ls, batch get, batch results, golden check, whatif, complete, env`;

/** Write files of this machine, which they do not overwrite unless a person names them; start processes; or send a test envelope. */
export const elsewhere = `pull, fn export, nats-config, backup, signing-key create, golden record, serve, dev, mcp, run, connections test`;

/** These list what they would change in a form of their own. Each is a line that a person types. */
export const inBulk: readonly string[] = [
  'batch cancel import --yes',
  'batch redrive import --yes',
  'redrive third',
  'dest dead redrive sent',
  'dest dead dismiss sent --note gone',
  'purge --function rich --before 0s --yes',
  'storm --dry-run',
];

export type ChangingCommand = { line: string; changes: RegExp };

const definition = (name: string, fields: string): RegExp => new RegExp(`^functions/${name}/(?:${fields})`);

/**
 * Fields of the alias `prod` of `rich`. `changedAt` changes with every change; `weightedAt`, from which a canary is judged, with the version
 * and the weights only.
 */
const aliasFields = (fields: string): RegExp => definition('rich', `aliases\\.prod\\.(?:${fields})`);

/** A sample of each option of `fn put` and `fn set`, and the fields that the option names. */
export const settingSamples: Readonly<Record<string, readonly [value: string, fields: string]>> = {
  '--description': ['other', 'description$'],
  '--timeout': ['61s', 'timeoutInMs$'],
  '--memory': ['512', 'memoryInMb$'],
  '--concurrency': ['7', 'concurrency$'],
  '--max-payload': ['2MB', 'maxPayloadBytes$'],
  '--max-output': ['1MB', 'maxOutputBytes$'],
  '--flow-concurrency': ['9', 'flow\\.concurrency$'],
  '--flow-rate': ['50/1m', 'flow\\.rate'],
  '--flow-key': ['$.other', 'flow\\.key$'],
  '--flow-total': ['70', 'flow\\.total$'],
  '--flow-pool': ['other', 'flow\\.pool$'],
  '--flow-debounce-wait': ['2s', 'flow\\.debounce\\.wait$'],
  '--flow-debounce-max-wait': ['3m', 'flow\\.debounce\\.maxWait$'],
  '--flow-debounce-keep': ['all', 'flow\\.debounce\\.keep$'],
  '--flow-order': ['priority', 'flow\\.order$'],
  '--flow-aging': ['2m', 'flow\\.aging$'],
  '--flow-on-retry': ['pass', 'flow\\.onRetry$'],
  '--user-data': ['B=3', 'userData\\.B$'],
  '--max-retries': ['1', 'policy\\.maxRetries$'],
  '--max-age': ['2h', 'policy\\.maxAgeInSeconds$'],
  '--backoff': ['3s', 'policy\\.backoff\\.initialInMs$'],
  '--max-backoff': ['5m', 'policy\\.backoff\\.maxInMs$'],
  '--on-success': ['HTTP=http://127.0.0.1:9/other', 'policy\\.onSuccess$'],
  '--on-failure': ['HTTP=http://127.0.0.1:9/other', 'policy\\.onFailure$'],
  '--allow-cycle': ['', 'policy\\.allowCycle$'],
  '--unset': ['userData.A', 'userData\\.A$'],
};

/** The commands in an order in which each finds what it changes. Functions are `rich`, with a value in every field, and `other`. */
export const changingCommands: readonly ChangingCommand[] = [
  { line: 'fn put rich --file other.mjs', changes: definition('rich', 'handler\\.(?:package|file)$') },
  { line: 'fn put rich.json', changes: definition('rich', 'timeoutInMs$|policy\\.maxAgeInSeconds$') },
  { line: 'fn set rich --timeout 62s', changes: definition('rich', 'timeoutInMs$') },
  { line: 'fn code put rich --file code.mjs', changes: definition('rich', 'handler\\.(?:package|file)$') },
  { line: 'fn resume rich', changes: definition('rich', 'paused$') },
  { line: 'fn pause rich', changes: definition('rich', 'paused$') },
  { line: 'fn publish rich v3', changes: definition('rich', 'versions\\.v3\\.') },
  { line: 'fn alias set rich prod v3', changes: aliasFields('version$|weightedAt$|changedAt$') },
  { line: 'fn alias set rich prod v3 --weight v1=5', changes: aliasFields('weights\\.v1$|weightedAt$|changedAt$') },
  { line: 'fn alias set rich prod v3 --max-retries 1', changes: aliasFields('policy\\.maxRetries$|changedAt$') },
  { line: 'fn alias set rich prod v3 --description x', changes: aliasFields('description$|changedAt$') },
  { line: 'fn alias rollback rich prod', changes: aliasFields('weights\\.|weightedAt$|changedAt$') },
  { line: 'fn alias rm rich second', changes: definition('rich', 'aliases\\.second\\.') },
  {
    line: 'fn alias set rich prod v2 --canary 10% --auto --promote-after 30',
    changes: aliasFields('weights\\.v2$|auto\\.|weightedAt$|changedAt$'),
  },
  { line: 'fn alias set rich prod v3', changes: aliasFields('changedAt$') },
  { line: 'fn alias set rich prod v3 --max-retries 2', changes: aliasFields('policy\\.maxRetries$|changedAt$') },
  { line: 'fn alias set rich prod v3 --description y', changes: aliasFields('description$|changedAt$') },
  { line: 'fn alias set rich prod v2 --canary 20%', changes: aliasFields('weights\\.v2$|weightedAt$|changedAt$') },
  { line: 'fn alias set rich prod v3 --weight v2=25', changes: aliasFields('weights\\.v2$|weightedAt$|changedAt$') },
  { line: 'fn alias set rich prod v3 --auto --promote-after 40', changes: aliasFields('auto\\.promoteAfter$|changedAt$') },
  { line: 'fn alias set rich prod v3 --auto --auto-margin 2', changes: aliasFields('auto\\.margin$|changedAt$') },
  { line: 'fn alias set rich prod v3 --auto', changes: aliasFields('changedAt$') },
  { line: 'fn alias set rich prod v3 --weight v2=0', changes: aliasFields('weights\\.v2$|auto\\.|weightedAt$|changedAt$') },
  { line: 'fn alias set rich prod v3 --weight v2=7', changes: aliasFields('weights\\.v2$|weightedAt$|changedAt$') },
  { line: 'fn alias set rich prod v3 --auto', changes: aliasFields('auto\\.|changedAt$') },
  { line: 'fn alias promote rich prod', changes: aliasFields('version$|weights\\.|auto\\.|weightedAt$|changedAt$') },
  { line: 'fn event put rich large -d {}', changes: /^functions\/test-events\.rich\// },
  { line: 'fn event rm rich large', changes: /^functions\/test-events\.rich\// },
  { line: 'fn layer put shared --file folder', changes: /^functions\/layers\.own/ },
  { line: 'fn layer rm shared:1', changes: /^functions\/layers\.own/ },
  { line: 'schedule put nightly --jitter 2m -d {"a":1}', changes: /^functions\/schedule\.nightly\/jitterInMs$/ },
  { line: `schedule put nightly --cron '0 4 1 1 *' -d {"a":1}`, changes: /^functions\/schedule\.nightly\/(?:cron|since)$/ },
  { line: 'schedule resume nightly', changes: /^functions\/schedule\.nightly\/(?:paused|since)$/ },
  { line: 'schedule pause nightly', changes: /^functions\/schedule\.nightly\/paused$/ },
  { line: 'schedule run nightly', changes: /^requests\/derived\.rich$/ },
  { line: 'invoke rich --id fourth -d {}', changes: /^requests\/invoke\.rich$/ },
  { line: 'cancel third', changes: /^invocations\/third$/ },
  { line: 'dest give-up sent --note gone', changes: /^invocations\/sent$/ },
  { line: 'cursor rm reader', changes: /^cursors\/reader$/ },
  { line: 'project quota default --rate 6', changes: /^functions\/quota\.[^/]*\/rate$/ },
  { line: 'bulk abort <bulk>', changes: /^state\/bulk\.[^/]+\// },
  {
    line: 'fn deploy folder',
    changes: /^functions\/(?:rich\/(?:timeoutInMs$|aliases\.prod\.(?:description|changedAt)$)|schedule\.nightly\/jitterInMs$)/,
  },
  { line: 'fn rm rich:v3 --yes', changes: definition('rich', 'versions\\.v3\\.') },
  { line: 'schedule rm nightly', changes: /^functions\/schedule\.nightly\// },
  { line: 'project encrypt default --encryption-key master.keys', changes: /^functions\/(?:settings|payload-key)\.|^state\/data-key\./ },
  { line: 'keys rotate --encryption-key master.keys', changes: /^functions\/(?:settings|payload-key)\.|^state\/data-key\./ },
  { line: 'project erase default --yes', changes: /^functions\/(?:settings|payload-key)\.|^state\/data-key\./ },
  { line: 'fn rm rich --yes', changes: /^functions\/(?:test-events\.)?rich\// },
];

/** Changing commands that find nothing to change here, or whose change is not in a bucket: only their rehearsal is compared. */
export const rehearsedOnly = [
  'batch seal import',
  'connections reload',
  'projection rebuild',
  'loss acknowledge none',
  'nats-streams',
  'restore saved',
];
