export type Point = { x: number; y: number };
type When = 'success' | 'failure';

export const NODE = { width: 178, height: 44 };
export const GAP = { x: 84, y: 18, side: 34, edge: 3, lane: 12 };

/** Two edges between the same nodes lie beside each other. */
const shiftOf = (when: When): number => (when === 'success' ? -6 : 6);
const middle = ({ y }: Point, when: When): number => y + NODE.height / 2 + shiftOf(when);

type Line = (corner: Point) => string;

/** The line from a node to one further right, straight through the rows that are kept free between them. */
export function forth(points: readonly Point[], when: When): Line {
  return (corner) =>
    points
      .slice(1)
      .map((to, index) => {
        const from = points[index] ?? to;
        const isFirst = index === 0;
        const isLast = index === points.length - 2;
        const start = { x: corner.x + from.x + NODE.width, y: corner.y + middle(from, when) };
        const end = { x: corner.x + to.x - (isLast ? 2 : 0), y: corner.y + middle(to, when) };
        const bend = (start.x + end.x) / 2;
        return `${isFirst ? 'M' : 'L'}${start.x} ${start.y}C${bend} ${start.y} ${bend} ${end.y} ${end.x} ${end.y}`;
      })
      .join('');
}

/** The line from a node to one that is not further right: below everything, and up again on its left. */
export function back(points: readonly Point[], when: When, { bottom, lane }: { bottom: number; lane: number }): Line {
  const [from = { x: 0, y: 0 }] = points;
  const to = points.at(-1) ?? from;
  return (corner) => {
    const aside = 14 + (lane % 3) * 6;
    const start = { x: corner.x + from.x + NODE.width, y: corner.y + middle(from, when) };
    const end = { x: corner.x + to.x - 2, y: corner.y + middle(to, when) };
    const right = start.x + aside;
    const left = end.x - aside;
    const below = corner.y + bottom + GAP.y + lane * GAP.lane;
    const r = 9;
    return [
      `M${start.x} ${start.y}H${right - r}Q${right} ${start.y} ${right} ${start.y + r}`,
      `V${below - r}Q${right} ${below} ${right - r} ${below}`,
      `H${left + r}Q${left} ${below} ${left} ${below - r}`,
      `V${end.y + r}Q${left} ${end.y} ${left + r} ${end.y}H${end.x}`,
    ].join('');
  };
}
