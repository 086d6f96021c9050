import { useState } from 'preact/hooks';
import type { FunctionView, VersionStats } from '#src/gateway/api/functions/function-schemas.ts';
import { get, withQuery } from '../../api/http.ts';
import { CommandLine } from '../../parts/copy.tsx';
import { Icon } from '../../parts/icon.tsx';
import { ProblemNotice } from '../../parts/notices.tsx';
import { RichText } from '../../parts/rich-text.tsx';
import { type Column, Table } from '../../parts/table.tsx';
import { ExactTime } from '../../parts/time.tsx';
import { formatNumber, t } from '../../shell/language.ts';
import { useRole } from '../../shell/login/session.ts';
import { Link } from '../../shell/router.tsx';
import { useFetch } from '../../shell/use-fetch.ts';
import { durationText, failuresOf, openOf, percent } from '../list.tsx';
import { type CanaryMove, MoveDialog } from './canary-dialog.tsx';
import '../../styles/pages/canary.css';

const READ_EVERY_MS = 15_000;

const columns: readonly Column[] = [
  { head: 'Version' },
  { head: 'Of all', isNumber: true },
  { head: 'Accepted', isNumber: true },
  { head: 'Outcomes' },
  { head: 'Failed', isNumber: true },
  { head: 'Retried', isNumber: true },
  { head: 'Duration p50', isNumber: true },
  { head: 'Duration p99', isNumber: true },
];

type VersionRow = VersionStats['versions'][number];
type CanaryProps = { name: string; path: string; view: FunctionView; onMoved: () => void };

/** The versions side by side, and the end of each canary. Absent while only `latest` exists. */
export function CanaryCard({ name, path, view, onMoved }: CanaryProps) {
  if (view.versions.length === 0) return null;
  return <Versions name={name} path={path} view={view} onMoved={onMoved} />;
}

function Versions({ name, path, view: { aliases, revision }, onMoved }: CanaryProps) {
  const { content, problem, reload } = useFetch(
    `${name} versions ${revision}`,
    (signal) => get<VersionStats>(`${path}/versions/stats`, signal),
    { everyMs: READ_EVERY_MS },
  );
  const canaries = aliases.filter(({ weights }) => Object.keys(weights).length > 0);
  return (
    <section class="card canary" aria-label={t('Versions side by side')}>
      <div class="card-head">
        <h2>{t('Versions side by side')}</h2>
        <span class="hint">{t('all requests of the last 24 hours')}</span>
      </div>
      {problem === undefined ? null : <ProblemNotice problem={problem} onRetry={reload} />}
      {canaries.map((alias) => (
        <Canary
          key={alias.alias}
          path={path}
          alias={alias}
          verdicts={content?.verdicts.filter((one) => one.alias === alias.alias)}
          onMoved={onMoved}
        />
      ))}
      {content === undefined ? (
        <p class="nothing">…</p>
      ) : (
        <Table
          label={t('Versions side by side')}
          columns={columns}
          rows={content.versions.map((row) => ({ key: row.version ?? '', cells: cellsOf(name, row) }))}
        />
      )}
    </section>
  );
}

type Alias = FunctionView['aliases'][number];
/** `verdicts`: `undefined` until they are loaded. Their lines are empty until then, so that nothing below moves when they come. */
type AliasProps = { path: string; alias: Alias; verdicts: VersionStats['verdicts'] | undefined; onMoved: () => void };

function Canary({ path, alias, verdicts, onMoved }: AliasProps) {
  const [asked, setAsked] = useState<CanaryMove>();
  const role = useRole('deploy');
  const { version, weights } = alias;
  return (
    <div class="canary-alias">
      <p>
        <RichText
          text="{alias} sends {shares} and the rest to {version}."
          values={{
            alias: <b class="mono">!{alias.alias}</b>,
            shares: Object.entries(weights)
              .map(([other, share]) => t('{share} % to {version}', { share, version: other }))
              .join(t(', ')),
            version,
          }}
        />
      </p>
      {alias.auto === undefined ? null : (
        <p class="hint">
          {t(
            'Sequent promotes it or rolls it back by itself: promoted after {count} invocations or more, once the test excludes that it is worse by {margin} percentage points.',
            { count: formatNumber(alias.auto.promote_after), margin: formatNumber(alias.auto.margin) },
          )}
        </p>
      )}
      {verdicts === undefined ? (
        Object.keys(weights).map((canary) => <p key={canary}>…</p>)
      ) : (
        <Verdicts verdicts={verdicts} isAutomatic={alias.auto !== undefined} />
      )}
      <p class="row-actions">
        {Object.keys(weights).map((canary) => (
          <button
            key={canary}
            type="button"
            class="button small"
            title={role.title}
            disabled={role.disabled}
            onClick={() => setAsked({ verb: 'promote', to: canary })}
          >
            {t('Promote {version}', { version: canary })}…
          </button>
        ))}
        <button
          type="button"
          class="button small danger"
          title={role.title}
          disabled={role.disabled}
          onClick={() => setAsked({ verb: 'rollback', to: version })}
        >
          {t('Roll back to {version}', { version })}…
        </button>
      </p>
      {asked === undefined ? null : (
        <MoveDialog path={path} alias={alias} move={asked} verdicts={verdicts ?? []} onClose={() => setAsked(undefined)} onDone={onMoved} />
      )}
    </div>
  );
}

type VerdictsProps = { verdicts: VersionStats['verdicts']; isAutomatic: boolean };

/** The judgement of each canary, with its share of the requests of the alias since the weights were set. */
function Verdicts({ verdicts, isAutomatic }: VerdictsProps) {
  return (
    <div role="status">
      <ul>
        {verdicts.map(({ version: canary, verdict, in_words, remedy, undecided, weight, share, since }) => (
          <li key={canary} class={`tone-${toneOf[verdict]}`}>
            <Icon name={iconOf[verdict]} />{' '}
            <span>
              <RichText
                text="{version} has {share} of the requests since {time} (weight {weight} %)."
                values={{
                  ...{ version: canary, weight },
                  share: share === undefined ? t('none') : `${Math.round(share)} %`,
                  time: <ExactTime at={since} />,
                }}
              />{' '}
              {in_words}
              {undecided === undefined ? null : ` ${undecided.in_words}`}
            </span>
            {undecided?.remedies.map((command) => (
              <CommandLine key={command} text={command} />
            ))}
            {remedy === undefined || isAutomatic ? null : <CommandLine text={remedy} />}
          </li>
        ))}
      </ul>
    </div>
  );
}

type Verdict = VersionStats['verdicts'][number]['verdict'];
const toneOf: Readonly<Record<Verdict, string>> = { worse: 'failed', better: 'succeeded', undecided: 'muted' };
const iconOf = { worse: 'failed', better: 'succeeded', undecided: 'queued' } as const;

function cellsOf(name: string, row: VersionRow) {
  const failures = failuresOf(row);
  const open = openOf(row) ?? 0;
  const version = row.version;
  return [
    version === undefined ? (
      <span key="version">{t('no attempt yet')}</span>
    ) : (
      <Link key="version" to={withQuery('/', { function: name, version })} class="mono">
        {version}
      </Link>
    ),
    `${Math.round(row.share * 100)} %`,
    formatNumber(row.accepted),
    <Outcomes key="outcomes" accepted={row.accepted} failed={failures} open={open} />,
    failures === 0 ? '0' : `${formatNumber(failures)} (${percent(failures, row.accepted)})`,
    row.retried === 0 ? '0' : `${formatNumber(row.retried)} (${percent(row.retried, row.accepted)})`,
    durationText(row.duration_ms?.p50),
    durationText(row.duration_ms?.p99),
  ];
}

/** A bar of the succeeded, the failed and the open invocations. */
function Outcomes({ accepted, failed, open }: { accepted: number; failed: number; open: number }) {
  const succeeded = Math.max(0, accepted - failed - open);
  const parts = [
    { tone: 'succeeded', count: succeeded },
    { tone: 'failed', count: failed },
    { tone: 'open', count: open },
  ];
  const label = t('{succeeded} succeeded, {failed} failed, {open} open', { succeeded, failed, open });
  return (
    <span class="outcomes" role="img" aria-label={label} title={label}>
      {parts.map(({ tone, count }) =>
        count === 0 ? null : <i key={tone} class={tone} style={{ width: `${(count / Math.max(1, accepted)) * 100}%` }} />,
      )}
    </span>
  );
}
