import type { Database, Value } from '#src/projection/store/sqlite.ts';

/** A project with more functions is filtered row by row; a project with fewer is read function by function. */
const MAX_FUNCTIONS = 64;

/** The SQL condition that a function belongs to a project: its name begins with the project, or has none for the own project (''). */
export function isInProject(column: string, project: string): { sql: string; values: Value[] } {
  if (project === '') return { sql: `instr(${column}, '=') = 0`, values: [] };
  // '>' is the character after '='.
  return { sql: `${column} >= ? AND ${column} < ?`, values: [`${project}=`, `${project}>`] };
}

/** The functions of a project that were ever invoked, or `undefined` when they are many. Each function costs one index look-up. */
export function fewFunctionsOf(database: Database, project: string): string[] | undefined {
  const functions: string[] = [];
  for (const name of project === '' ? ownFunctions(database) : functionsOf(database, project)) {
    if (functions.push(name) > MAX_FUNCTIONS) return undefined;
  }
  return functions;
}

function* functionsOf(database: Database, project: string): Generator<string> {
  const next = prepareNext(database);
  for (let name = next(`${project}=`); name !== undefined && name < `${project}>`; name = next(name)) yield name;
}

function* ownFunctions(database: Database): Generator<string> {
  const next = prepareNext(database);
  let name = next('');
  while (name !== undefined) {
    const projectEnd = name.indexOf('=');
    if (projectEnd < 0) yield name;
    // One step skips all functions of another project.
    name = next(projectEnd < 0 ? name : `${name.slice(0, projectEnd)}>`);
  }
}

function prepareNext(database: Database): (after: string) => string | undefined {
  const statement = database.prepare('SELECT min(function) FROM invocations INDEXED BY by_function WHERE function > ?');
  return (after) => {
    const name = statement.get([after])?.[0];
    return typeof name === 'string' ? name : undefined;
  };
}
