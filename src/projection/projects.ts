import type { Database, Value } from './sqlite.ts';

/** Of more functions than this a page is not merged, but filtered. */
const FEW = 64;

/** That a function is one of a project: its name begins with the project, or says none when it is the own one (''). */
export function isInProject(column: string, project: string): { sql: string; values: Value[] } {
  if (project === '') return { sql: `instr(${column}, '=') = 0`, values: [] };
  // '>' is the character behind '='.
  return { sql: `${column} >= ? AND ${column} < ?`, values: [`${project}=`, `${project}>`] };
}

/** The functions of a project that were ever invoked, unless they are many. Each is one step in the index. */
export function fewFunctionsOf(database: Database, project: string): string[] | undefined {
  const next = database.prepare('SELECT min(function) FROM invocations INDEXED BY by_function WHERE function > ?');
  const end = project === '' ? undefined : `${project}>`;
  const found: string[] = [];
  let after = project === '' ? '' : `${project}=`;
  for (;;) {
    const name = next.get([after])?.[0];
    if (typeof name !== 'string' || (end !== undefined && name >= end)) return found;
    const at = name.indexOf('=');
    // The functions of another project are passed over at once.
    after = project === '' && at >= 0 ? `${name.slice(0, at)}>` : name;
    if (after !== name) continue;
    if (found.push(name) > FEW) return undefined;
  }
}
