import { useMemo } from 'preact/hooks';
import type { DestinationGraph } from '#src/gateway/api/functions/function-schemas.ts';
import { get } from '../../api/http.ts';
import { Icon } from '../../parts/icon.tsx';
import { ProblemNotice, Skeleton } from '../../parts/notices.tsx';
import { RichText } from '../../parts/rich-text.tsx';
import { Scrollable } from '../../parts/scrollable.tsx';
import { t } from '../../shell/language.ts';
import { follow, Link, paths } from '../../shell/router.tsx';
import { createStore, useStore } from '../../shell/store.ts';
import { type Fetched, useFetch } from '../../shell/use-fetch.ts';
import { describeTarget } from '../definition/destination-kinds.ts';
import { connectedTo, layOutGraph, type PositionedNode } from './graph-layout.ts';
import { NODE } from './graph-paths.ts';

/** The width available to the graph: that of the window without the padding of page and card. */
const frameWidth = createStore(innerWidth - 82);
addEventListener('resize', () => frameWidth.set(innerWidth - 82));

export function useGraph(): Fetched<DestinationGraph> {
  return useFetch('graph', (signal) => get<DestinationGraph>('/api/destinations/graph', signal), { everyMs: 15_000 });
}

type GraphCardProps = {
  fetched: Fetched<DestinationGraph>;
  /** Shows only what is connected with this function; without it, everything. */
  around?: string;
};

/** The graph of functions and destinations. A loop is highlighted, and also written out. */
export function GraphCard({ fetched: { content, problem, reload }, around }: GraphCardProps) {
  const graph = useMemo(() => (content === undefined || around === undefined ? content : connectedTo(around, content)), [content, around]);
  return (
    <section class="card graph" aria-label={t('Destination graph')}>
      <div class="card-head">
        <h2>{t('Destination graph')}</h2>
        {around === undefined ? null : (
          <Link to={paths.functions} class="hint">
            {t('all functions')}
          </Link>
        )}
        <div class="spring" />
        <span class="legend success">{t('on success')}</span>
        <span class="legend failure">{t('on failure')}</span>
        {(graph?.loops.length ?? 0) === 0 ? null : <span class="legend loop">{t('a loop')}</span>}
      </div>
      {problem === undefined ? null : <ProblemNotice problem={problem} onRetry={reload} />}
      {graph === undefined ? problem === undefined ? <Skeleton lines={4} height={30} /> : null : <Graph graph={graph} around={around} />}
    </section>
  );
}

function Graph({ graph, around }: { graph: DestinationGraph; around: string | undefined }) {
  if (graph.edges.length === 0)
    return (
      <p class="nothing">
        {around === undefined
          ? t('No function has a destination.')
          : t('{function} has no destination, and is the destination of no function.', { function: around })}
      </p>
    );
  return (
    <>
      {graph.loops.map((loop) => (
        <div key={loop.join('\n')} class="notice tone-failed loop" role="alert">
          <Icon name="retrying" />
          <div class="notice-text">
            <strong>{t('Loop')}</strong> <span class="mono">{loop.join(' → ')}</span>
            <p>{t('The configuration allows this loop. A chain is cut when it exceeds the limit of hops.')}</p>
          </div>
        </div>
      ))}
      <GraphDrawing graph={graph} around={around} />
      <details class="graph-words">
        <summary>{t('As a list')}</summary>
        <ul>
          {graph.edges.map((edge) => (
            <li key={keyOf(edge)}>
              <RichText
                text={textOf(edge)}
                values={{
                  from: <NodeName graph={graph} id={edge.from} />,
                  to: <NodeName graph={graph} id={edge.to} />,
                  condition: <code>{edge.only_when}</code>,
                }}
              />
            </li>
          ))}
        </ul>
      </details>
    </>
  );
}

function GraphDrawing({ graph, around }: { graph: DestinationGraph; around: string | undefined }) {
  const maxWidth = useStore(frameWidth);
  const { width, height, nodes, edges } = useMemo(() => layOutGraph(graph, maxWidth), [graph, maxWidth]);
  return (
    <Scrollable class="graph-frame" label={t('Destination graph')}>
      <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`}>
        <title>{t('The functions and their destinations')}</title>
        <defs>
          {['success', 'failure', 'loop'].map((kind) => (
            <Arrow key={kind} kind={kind} size={kind === 'loop' ? 12 : 8} />
          ))}
        </defs>
        {edges.map(({ path, isInLoop, ...edge }) => (
          <path
            key={keyOf(edge)}
            class={`graph-edge ${edge.when}${edge.only_when === undefined ? '' : ' conditional'}${isInLoop ? ' loop' : ''}`}
            d={path}
            marker-end={`url(#graph-arrow-${isInLoop ? 'loop' : edge.when})`}
          >
            <title>{t(textOf(edge), { from: edge.from, to: edge.to, condition: edge.only_when ?? '' })}</title>
          </path>
        ))}
        {nodes.map((node) => (
          <Node key={node.id} node={node} isCurrent={node.kind === 'function' && node.function === around} />
        ))}
      </svg>
    </Scrollable>
  );
}

type Edge = DestinationGraph['edges'][number];

function keyOf({ from, to, when, only_when }: Edge): string {
  return `${from}\n${to}\n${when}\n${only_when}`;
}

function textOf({ when, only_when }: Edge) {
  if (only_when === undefined) return when === 'success' ? '{from} notifies {to} on success' : '{from} notifies {to} on failure';
  return when === 'success' ? '{from} notifies {to} on success, when {condition}' : '{from} notifies {to} on failure, when {condition}';
}

function Arrow({ kind, size }: { kind: string; size: number }) {
  return (
    <marker
      id={`graph-arrow-${kind}`}
      class={`graph-arrow ${kind}`}
      viewBox="0 0 8 8"
      refX="7"
      refY="4"
      markerWidth={size}
      markerHeight={size}
      markerUnits="userSpaceOnUse"
      orient="auto"
    >
      <path d="M0.5 0.5L7.5 4L0.5 7.5z" />
    </marker>
  );
}

function NodeName({ graph, id }: { graph: DestinationGraph; id: string }) {
  const node = graph.nodes.find((one) => one.id === id);
  return node?.kind === 'function' ? <Link to={paths.function(node.function)}>{id}</Link> : <code>{id}</code>;
}

const MAX_CHARACTERS = 24;

function Node({ node, isCurrent }: { node: PositionedNode; isCurrent: boolean }) {
  const { id, function: name, kind, x, y, isInLoop } = node;
  const { title, note } = kind === 'target' ? describeTarget(name, id.slice(name.length + 1)) : { title: name, note: node.qualifier };
  const box = (
    <>
      <title>{id}</title>
      <rect x={x} y={y} width={NODE.width} height={NODE.height} rx={kind === 'function' ? 9 : 22} />
      {/* A nested SVG clips a name that is larger than its box. */}
      <svg x={x} y={y} width={NODE.width} height={NODE.height} aria-hidden="true">
        <text x={NODE.width / 2} y={note === undefined ? 27 : 19}>
          {shorten(title)}
        </text>
        {note === undefined ? null : (
          <>
            {/* The space separates the words for screen readers. */}{' '}
            <text class="note" x={NODE.width / 2} y={34}>
              {shorten(note)}
            </text>
          </>
        )}
      </svg>
    </>
  );
  const className = `graph-node ${kind}${isInLoop ? ' loop' : ''}${isCurrent ? ' current' : ''}`;
  if (kind === 'target') return <g class={className}>{box}</g>;
  const to = paths.function(name);
  return (
    <a class={className} href={to} onClick={(event) => follow(event, to)} aria-label={note === undefined ? title : `${title} ${note}`}>
      {box}
    </a>
  );
}

function shorten(text: string): string {
  return text.length > MAX_CHARACTERS ? `${text.slice(0, MAX_CHARACTERS - 1)}…` : text;
}
