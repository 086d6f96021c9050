import { iconPath } from '../parts/icon.tsx';
import { type Look, lookOf } from '../parts/state.tsx';
import type { Drawing, DrawnEdge, DrawnState, MachineDrawing } from './drawing.ts';
import { edgeKey, type Taken } from './path.ts';

type ChartProps = {
  machine: MachineDrawing;
  taken: Taken;
  isStanding: boolean;
  label: string;
  /** The colour of the state that it is in, when that says more than its own. */
  tone?: Look['tone'] | undefined;
  /** Called with a state that was passed. */
  onState?: (name: string) => void;
};

/** A machine with the state that it is in lit, and the path that it took. */
export function MachineChart({ machine, taken, isStanding, label, tone, onState }: ChartProps) {
  const drawing: Drawing = isStanding ? machine.standing : machine.lying;
  const arrow = `arrow-${machine.id}`;
  return (
    <svg
      class="chart"
      viewBox={`0 0 ${drawing.width} ${drawing.height}`}
      // No larger than it was drawn: a letter is as large as elsewhere on the page.
      style={{ maxWidth: `${drawing.width}px` }}
      role="img"
      aria-label={`${label}: in the state ${taken.active}, by way of ${[...taken.visited].join(', ')}`}
    >
      <defs>
        {['idle', 'taken', 'last'].map((kind) => (
          <marker
            key={kind}
            id={`${arrow}-${kind}`}
            class={`arrow ${kind}`}
            viewBox="0 0 8 8"
            refX="7"
            refY="4"
            markerWidth="7"
            markerHeight="7"
            orient="auto"
          >
            <path d="M0.5 0.5L7.5 4L0.5 7.5z" />
          </marker>
        ))}
      </defs>
      {inOrder(drawing.edges, taken).map((edge) => (
        <Edge key={edgeKey(edge)} edge={edge} taken={taken} arrow={arrow} />
      ))}
      {drawing.states.map((state) => (
        <StateBox key={state.name} state={state} machine={machine} taken={taken} activeTone={tone} onState={onState} />
      ))}
    </svg>
  );
}

/** Those that were taken lie over the others. */
function inOrder(edges: readonly DrawnEdge[], { edges: taken, last }: Taken): DrawnEdge[] {
  const rank = (edge: DrawnEdge): number => (edgeKey(edge) === last ? 2 : taken.has(edgeKey(edge)) ? 1 : 0);
  return [...edges].sort((one, other) => rank(one) - rank(other));
}

function Edge({ edge, taken, arrow }: { edge: DrawnEdge; taken: Taken; arrow: string }) {
  const key = edgeKey(edge);
  const times = taken.edges.get(key) ?? 0;
  const kind = key === taken.last ? 'last' : times > 0 ? 'taken' : 'idle';
  const { label } = edge;
  const [timesX, timesY] = middleOf(edge.points);
  return (
    <g class={`edge ${kind}`} data-edge={key}>
      <title>{`${edge.from} → ${edge.to} by ${edge.event}${times > 1 ? `, ${times} times` : ''}`}</title>
      <path d={rounded(edge.points)} marker-end={`url(#${arrow}-${kind})`} />
      {label === undefined ? null : (
        <g class="edge-label">
          <rect x={label.x} y={label.y} width={label.width} height={label.height} rx="4" />
          <text x={label.x + label.width / 2} y={label.y + label.height / 2 + 4}>
            {times > 1 ? `${label.text} ${times}×` : label.text}
          </text>
        </g>
      )}
      {times > 1 && label === undefined ? (
        <g class="edge-times">
          <rect x={timesX - 14} y={timesY - 9} width="28" height="18" rx="9" />
          <text x={timesX} y={timesY + 4}>
            {`${times}×`}
          </text>
        </g>
      ) : null}
    </g>
  );
}

type StateBoxProps = {
  state: DrawnState;
  machine: MachineDrawing;
  taken: Taken;
  activeTone: Look['tone'] | undefined;
  onState: ((name: string) => void) | undefined;
};

function StateBox({ state: { name, x, y, width, height }, machine, taken, activeTone, onState }: StateBoxProps) {
  const facts = machine.states[name];
  const isActive = name === taken.active;
  const isVisited = taken.visited.has(name);
  const { tone, icon } = lookOf(name);
  const shown = isActive ? (activeTone ?? tone) : tone;
  const className = `state tone-${shown}${isActive ? ' active' : ''}${isVisited ? ' visited' : ''}`;
  if (width < 20)
    return (
      <g class={className}>
        <title>{name}</title>
        <circle cx={x + width / 2} cy={y + height / 2} r={width / 2} />
      </g>
    );
  const inner = facts?.inner ?? [];
  const line = y + (inner.length === 0 ? height / 2 : 23);
  const isClickable = isVisited && onState !== undefined;
  return (
    <g
      class={isClickable ? `${className} clickable` : className}
      data-state={name}
      {...(isClickable ? { onClick: () => onState(name) } : {})}
    >
      <title>{`${name}: ${facts?.description ?? ''}`}</title>
      {isActive ? <rect class="halo" x={x - 4} y={y - 4} width={width + 8} height={height + 8} rx="14" /> : null}
      <rect class="box" x={x} y={y} width={width} height={height} rx="10" />
      {facts?.isFinal === true ? <rect class="final" x={x + 3} y={y + 3} width={width - 6} height={height - 6} rx="7" /> : null}
      <path class="sign" d={iconPath(icon)} transform={`translate(${x + 13} ${line - 8})`} />
      <text class="name" x={x + 35} y={line + 4.5}>
        {name}
      </text>
      {inner.map((event, place) => (
        <text key={event} class="inner" x={x + 13} y={line + 25 + place * 13}>
          {`↺ ${event}`}
        </text>
      ))}
    </g>
  );
}

/** A line through points, its corners rounded. */
function rounded(points: DrawnEdge['points'], radius = 8): string {
  return points
    .map(([x, y], index) => {
      const before = points[index - 1];
      const after = points[index + 1];
      if (before === undefined) return `M${x} ${y}`;
      if (after === undefined) return `L${x} ${y}`;
      const [fromX, fromY] = towards([x, y], before, radius);
      const [toX, toY] = towards([x, y], after, radius);
      return `L${fromX} ${fromY}Q${x} ${y} ${toX} ${toY}`;
    })
    .join('');
}

type Point = readonly [number, number];

function towards([x, y]: Point, [otherX, otherY]: Point, most: number): Point {
  const length = Math.hypot(otherX - x, otherY - y);
  const share = length === 0 ? 0 : Math.min(most, length / 2) / length;
  return [round(x + (otherX - x) * share), round(y + (otherY - y) * share)];
}

/** The middle of the first piece: two transitions between the same states lie apart there. */
function middleOf([[x, y] = [0, 0], [nextX, nextY] = [x, y]]: DrawnEdge['points']): Point {
  return [(x + nextX) / 2, (y + nextY) / 2];
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
