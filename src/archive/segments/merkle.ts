import { hash } from 'node:crypto';

/*
 * The Merkle root of a segment: one hash that covers every line, and that can still be computed when some lines were erased.
 *
 * - The leaf of a line is its SHA-256. An erased line keeps the leaf of the line that it replaces.
 * - A node is the SHA-256 of its two children. A single node at the end of a level moves up unchanged. The text of a node has only hex
 *   digits, and a line begins with a bracket, so no line has the hash of a node.
 */

const sha256 = (content: string): string => hash('sha256', content, 'hex');

const MARK = /^\[\d+,\d+,"([A-Za-z0-9_-]+)"(?:,"([0-9a-f]{64})(?: [A-Za-z0-9_-]{43})?")?\]$/;

/** A line that stands for an erased message: the erasure that it names, and the leaf of the message. Segments of version 1 keep no leaf. */
export type Mark = { erasure: string; leaf: string | undefined };

/** Parses a line as a mark; `undefined` for every other line. */
export function parseMark(line: string): Mark | undefined {
  const found = MARK.exec(line);
  return found === null ? undefined : { erasure: found[1] ?? '', leaf: found[2] };
}

export function leafOf(line: string): string {
  // Few lines are short enough to be a mark.
  return (line.length < 256 ? parseMark(line)?.leaf : undefined) ?? sha256(line);
}

export function merkleRootOf(lines: readonly string[]): string {
  let level = lines.map(leafOf);
  while (level.length > 1) {
    const above: string[] = [];
    for (let index = 0; index < level.length; index += 2) {
      const [left = '', right] = [level[index], level[index + 1]];
      above.push(right === undefined ? left : sha256(left + right));
    }
    level = above;
  }
  return level[0] ?? sha256('');
}
