import { iconPath } from '../parts/icon.tsx';
import { type Appearance, appearanceOf } from '../parts/state-badge.tsx';
import { t, translated } from '../shell/language.ts';
import type { Drawing, DrawnEdge, DrawnState, MachineDrawing } from './drawing.ts';
import { edgeKey, type TakenPath } from './path.ts';

type ChartProps = {
  machine: MachineDrawing;
  path: TakenPath;
  isVertical: boolean;
  label: string;
  /** The tone of the active state; its own by default. */
  tone?: Appearance['tone'] | undefined;
  /** Called when a visited state is clicked. */
  onState?: (name: string) => void;
};

/** The drawing of a machine, with its active state and the path that it took highlighted. */
export function MachineChart({ machine, path, isVertical, label, tone, onState }: ChartProps) {
  const drawing: Drawing = isVertical ? machine.vertical : machine.horizontal;
  const arrow = `arrow-${machine.id}`;
  return (
    <svg
      class="chart"
      viewBox={`0 0 ${drawing.width} ${drawing.height}`}
      // Never enlarged: its text has the size of the page's other text.
      style={{ maxWidth: `${drawing.width}px` }}
      role="img"
      aria-label={t('{label}: state {state}, visited {visited}', {
        label,
        state: labelOf(path.activeState),
        visited: [...path.visitedStates].map(labelOf).join(t(', ')),
      })}
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
      {inDrawingOrder(drawing.edges, path).map((edge) => (
        <Edge key={edgeKey(edge)} edge={edge} path={path} arrow={arrow} />
      ))}
      {drawing.states.map((state) => (
        <StateBox key={state.name} state={state} machine={machine} path={path} activeTone={tone} onState={onState} />
      ))}
    </svg>
  );
}

/** SVG paints later elements over earlier ones: taken transitions come after the others. */
function inDrawingOrder(edges: readonly DrawnEdge[], { edgeCounts, lastEdge }: TakenPath): DrawnEdge[] {
  const rank = (edge: DrawnEdge): number => (edgeKey(edge) === lastEdge ? 2 : edgeCounts.has(edgeKey(edge)) ? 1 : 0);
  return [...edges].sort((one, other) => rank(one) - rank(other));
}

function Edge({ edge, path, arrow }: { edge: DrawnEdge; path: TakenPath; arrow: string }) {
  const key = edgeKey(edge);
  const times = path.edgeCounts.get(key) ?? 0;
  const kind = key === path.lastEdge ? 'last' : times > 0 ? 'taken' : 'idle';
  const { label } = edge;
  const [timesX, timesY] = middleOf(edge.points);
  return (
    <g class={`edge ${kind}`} data-edge={key}>
      <title>
        {times > 1
          ? t('{from} → {to} by {event}, {count} times', { ...namesOf(edge), count: times })
          : t('{from} → {to} by {event}', namesOf(edge))}
      </title>
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
  path: TakenPath;
  activeTone: Appearance['tone'] | undefined;
  onState: ((name: string) => void) | undefined;
};

function StateBox({ state: { name, x, y, width, height }, machine, path, activeTone, onState }: StateBoxProps) {
  const { description = '', isFinal = false, internalEvents = [] } = machine.states[name] ?? {};
  const isActive = name === path.activeState;
  const isVisited = path.visitedStates.has(name);
  const { tone, icon, label } = appearanceOf(name);
  const shownTone = isActive ? (activeTone ?? tone) : tone;
  const className = `state tone-${shownTone}${isActive ? ' active' : ''}${isVisited ? ' visited' : ''}`;
  if (width < 20)
    return (
      <g class={className}>
        <title>{label}</title>
        <circle cx={x + width / 2} cy={y + height / 2} r={width / 2} />
      </g>
    );
  const line = y + (internalEvents.length === 0 ? height / 2 : 23);
  const isClickable = isVisited && onState !== undefined;
  return (
    <g
      class={isClickable ? `${className} clickable` : className}
      data-state={name}
      {...(isClickable ? { onClick: () => onState(name) } : {})}
    >
      <title>{t('{name}: {description}', { name, description: translated(description) })}</title>
      {isActive ? <rect class="halo" x={x - 4} y={y - 4} width={width + 8} height={height + 8} rx="14" /> : null}
      <rect class="box" x={x} y={y} width={width} height={height} rx="10" />
      {isFinal ? <rect class="final" x={x + 3} y={y + 3} width={width - 6} height={height - 6} rx="7" /> : null}
      <path class="sign" d={iconPath(icon)} transform={`translate(${x + 13} ${line - 8})`} />
      <text class="name" x={x + 35} y={line + 4.5}>
        {name}
      </text>
      {internalEvents.map((event, index) => (
        <text key={event} class="inner" x={x + 13} y={line + 25 + index * 13}>
          {`↺ ${event}`}
        </text>
      ))}
    </g>
  );
}

function namesOf({ from, to, event }: DrawnEdge): { from: string; to: string; event: string } {
  return { from: labelOf(from), to: labelOf(to), event };
}

/** The label of a state, for tooltips and screen readers. */
function labelOf(name: string): string {
  return appearanceOf(name).label;
}

/** The path data of a line with rounded corners. */
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

/** The point between two others, at most `maxDistance` from the first and not beyond the middle. */
function towards([x, y]: Point, [otherX, otherY]: Point, maxDistance: number): Point {
  const length = Math.hypot(otherX - x, otherY - y);
  const share = length === 0 ? 0 : Math.min(maxDistance, length / 2) / length;
  return [round(x + (otherX - x) * share), round(y + (otherY - y) * share)];
}

/** The middle of the first segment, where transitions between the same two states do not overlap. */
function middleOf([[x, y] = [0, 0], [nextX, nextY] = [x, y]]: DrawnEdge['points']): Point {
  return [(x + nextX) / 2, (y + nextY) / 2];
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
