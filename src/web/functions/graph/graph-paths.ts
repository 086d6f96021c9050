export type Point = { x: number; y: number };
type When = 'success' | 'failure';

export const NODE = { width: 178, height: 44 };
export const GAP = { x: 84, y: 18, side: 34, edge: 3, lane: 12 };

/** Edges of success and of failure between the same two nodes do not overlap. */
const offsetOf = (when: When): number => (when === 'success' ? -6 : 6);
const middleOf = ({ y }: Point, when: When): number => y + NODE.height / 2 + offsetOf(when);

/** Path data of an edge, given the position of its component. */
type PathAt = (origin: Point) => string;

/** The path of an edge to a node further right, through the rows that the layout keeps free between them. */
export function forwardPath(points: readonly Point[], when: When): PathAt {
  return (origin) =>
    points
      .slice(1)
      .map((to, index) => {
        const from = points[index] ?? to;
        const isFirst = index === 0;
        const isLast = index === points.length - 2;
        const start = { x: origin.x + from.x + NODE.width, y: origin.y + middleOf(from, when) };
        const end = { x: origin.x + to.x - (isLast ? 2 : 0), y: origin.y + middleOf(to, when) };
        const bend = (start.x + end.x) / 2;
        return `${isFirst ? 'M' : 'L'}${start.x} ${start.y}C${bend} ${start.y} ${bend} ${end.y} ${end.x} ${end.y}`;
      })
      .join('');
}

/** The path of an edge to a node that is not further right. It runs below all nodes and enters its target from the left. */
export function backwardPath(points: readonly Point[], when: When, { bottom, lane }: { bottom: number; lane: number }): PathAt {
  const [from = { x: 0, y: 0 }] = points;
  const to = points.at(-1) ?? from;
  return (origin) => {
    const aside = 14 + (lane % 3) * 6;
    const start = { x: origin.x + from.x + NODE.width, y: origin.y + middleOf(from, when) };
    const end = { x: origin.x + to.x - 2, y: origin.y + middleOf(to, when) };
    const right = start.x + aside;
    const left = end.x - aside;
    const below = origin.y + bottom + GAP.y + lane * GAP.lane;
    const r = 9;
    return [
      `M${start.x} ${start.y}H${right - r}Q${right} ${start.y} ${right} ${start.y + r}`,
      `V${below - r}Q${right} ${below} ${right - r} ${below}`,
      `H${left + r}Q${left} ${below} ${left} ${below - r}`,
      `V${end.y + r}Q${left} ${end.y} ${left + r} ${end.y}H${end.x}`,
    ].join('');
  };
}
