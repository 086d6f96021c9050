import type { AutomaticEnd } from '#src/analysis/canary/automatic-end.ts';
import { countsByVersion, judgeCanary, judgedInvocations } from '#src/analysis/canary/judge-canary.ts';
import { aliasOf, promoted, rolledBack } from '#src/core/functions/canary.ts';
import type { FunctionAlias } from '#src/core/functions/entry.ts';
import type { Moment } from '#src/core/history-questions.ts';
import { aliasNameOf } from '#src/core/names/names.ts';
import { inLanguage, type Language } from '#src/core/text/language.ts';
import { languageOfCall } from '../../http/language.ts';
import type { Gateway } from '../../ports.ts';
import { type Scope, scopeOf } from '../../scope.ts';
import { withoutUndefined } from '../invocations/invocation-view.ts';
import { historyFilter } from '../invocations/list.ts';
import type { Routes } from '../route.ts';
import { moveAliasBodySchema, type VersionStats, versionStatsQuerySchema, versionStatsSchema } from './function-schemas.ts';
import { functionAnswers, replyWithFunction } from './function-view.ts';
import { countsOf } from './stats.ts';

const DAY_IN_MS = 86_400_000;

/** The versions of a function side by side, and the end of a canary. */
export function addVersionRoutes(routes: Routes, gateway: Gateway): void {
  const { client, clock } = gateway;

  routes.add(
    {
      method: 'get',
      path: '/api/functions/{name}/versions/stats',
      summary: 'Outcomes, durations and retries of each version that ran, and a verdict on each canary',
      query: versionStatsQuerySchema,
      answers: { 200: { description: 'a row for each version', schema: versionStatsSchema } },
    },
    async (call, { params, query: { from: since, to: until, at: moment, ...filter } }) => {
      const scope = scopeOf(call, gateway);
      const { aliases } = await client.functions.get(scope.token(params.name));
      const to = until ?? clock.now();
      const from = since ?? to - DAY_IN_MS;
      const wanted = { ...historyFilter({ ...filter, function: params.name, from, to }, scope), ...withoutUndefined({ moment }) };
      const [rows, verdicts] = await Promise.all([
        client.history.stats({ ...wanted, by: 'version' }),
        verdictsOf(gateway, { name: params.name, aliases, scope, moment, language: languageOfCall(call) }),
      ]);
      const total = rows.reduce((sum, { accepted }) => sum + accepted, 0);
      const versions = rows.map(({ version, retries = 0, retried = 0, ...row }) =>
        withoutUndefined({ version: version ?? undefined, share: row.accepted / total, retries, retried, ...countsOf(row) }),
      );
      return call.json({ function: params.name, from, to, versions, verdicts });
    },
  );

  addMove(routes, gateway, { verb: 'promote', summary: 'Send all requests of an alias to its canary', change: promoted });
  addMove(routes, gateway, { verb: 'rollback', summary: 'Send all requests of an alias to its main version', change: rolledBack });
}

type Judged = { name: string; aliases: readonly FunctionAlias[]; scope: Scope; moment: Moment | undefined; language: Language };

/** Neither the filter nor the time range of the call matters: a test that is valid at every look has one beginning, the change of weights. */
async function verdictsOf({ client }: Gateway, { name, aliases, scope, moment, language }: Judged): Promise<VersionStats['verdicts']> {
  const weighted = aliases.filter(({ weights }) => Object.keys(weights).length > 0);
  const found = await Promise.all(
    weighted.map(async (alias) => {
      const judged = judgedInvocations(alias);
      const filter = { ...historyFilter({ function: name }, scope), ...judged, ...withoutUndefined({ moment }) };
      const rows = await client.history.stats({ ...filter, by: 'version' });
      return inLanguage(language, () => judgeCanary(name, alias, countsByVersion(rows))).map(({ text, automatic, ...verdict }) => ({
        alias: alias.name,
        since: judged.since,
        in_words: text,
        ...verdict,
        ...undecidedPart(automatic),
      }));
    }),
  );
  return found.flat();
}

function undecidedPart(automatic: AutomaticEnd | undefined): Pick<VersionStats['verdicts'][number], 'undecided'> {
  if (automatic?.kind !== 'undecided') return {};
  const { more, text, commands } = automatic;
  return { undecided: withoutUndefined({ more, in_words: text, remedies: [...commands] }) };
}

type Move = { verb: 'promote' | 'rollback'; summary: string; change: typeof promoted };

function addMove(routes: Routes, gateway: Gateway, { verb, summary, change }: Move): void {
  const { functions } = gateway.client;
  routes.add(
    {
      method: 'post',
      path: `/api/functions/{name}/aliases/{alias}/${verb}`,
      summary,
      body: moveAliasBodySchema,
      isBodyOptional: true,
      answers: functionAnswers,
    },
    async (call, { params, body: { version } }) => {
      const { name, alias } = params as { name: string; alias: string };
      const token = scopeOf(call, gateway).token(name);
      await functions.changeAlias(token, (present) => change(aliasOf(present, aliasNameOf(alias)), version));
      return replyWithFunction(call, gateway, await functions.get(token));
    },
  );
}
