import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { FunctionDeclaration, InterfaceDeclaration, Node, ParameterDeclaration, TypeAliasDeclaration } from 'typescript/unstable/ast';
import {
  isFunctionDeclaration,
  isIdentifier,
  isInterfaceDeclaration,
  isIntersectionTypeNode,
  isMethodSignatureDeclaration,
  isTypeAliasDeclaration,
  isTypeLiteralNode,
} from 'typescript/unstable/ast/is';
import { API, type Checker, type Project, SymbolFlags, type Symbol as TypeSymbol } from 'typescript/unstable/sync';

/*
 * The public API of the package, as the compiler reads it from the sources: every exported name, and every type of Sequent that the exported
 * names need. src/client/DESIGN.md says why no tool for references does it.
 */

const root = fileURLToPath(new URL('../..', import.meta.url));

export const entries = ['client', 'testing'] as const;
export type Entry = (typeof entries)[number];

export type ApiItem = {
  kind: 'function' | 'interface' | 'type' | 'member';
  name: string;
  comment: Comment;
  /** The declaration; that of an interface without its members. */
  signature: string;
  /** The whole declaration with its comments, but without the body of a function. */
  source: string;
  parameters: readonly { name: string; type: string }[];
  members: readonly ApiItem[];
};

export type Comment = {
  text: string;
  params: ReadonlyMap<string, string>;
  returns: string;
  throws: readonly string[];
  examples: readonly string[];
};

/** The names that an entry exports, and the further types of Sequent that these name, directly or through others. */
export type EntryApi = { exported: readonly ApiItem[]; named: readonly ApiItem[] };

type Declaration = FunctionDeclaration | InterfaceDeclaration | TypeAliasDeclaration;

/** Reads the API of both entries. */
export function readApi(): Readonly<Record<Entry, EntryApi>> {
  const api = new API({ cwd: root });
  try {
    const [project] = api.updateSnapshot({ openProjects: [`${root}build/reference/tsconfig.json`] }).getProjects();
    if (project === undefined) throw new Error('the compiler opened no project');
    return { client: readEntry(project, 'client'), testing: readEntry(project, 'testing') };
  } finally {
    api.close();
  }
}

function readEntry(project: Project, entry: Entry): EntryApi {
  const file = project.program.getSourceFile(`${root}src/${entry}/${entry}.ts`);
  const module = file === undefined ? undefined : project.checker.getSymbolAtLocation(file);
  if (module === undefined) throw new Error(`src/${entry}/${entry}.ts exports nothing`);
  const exported = project.checker.getExportsOfModule(module).map((symbol) => declarationOf(project, symbol));
  if (exported.some((one) => one === undefined)) throw new Error(`${entry} exports something that is no function, interface or type`);
  const declarations = exported as Declaration[];
  return { exported: declarations.map(itemOf), named: closureOf(project, declarations).map(itemOf) };
}

/** The declaration in the sources of Sequent; `undefined` for all other symbols. */
function declarationOf(project: Project, symbol: TypeSymbol): Declaration | undefined {
  const origin = (symbol.flags & SymbolFlags.Alias) === 0 ? symbol : project.checker.getAliasedSymbol(symbol);
  const node = origin.declarations[0]?.resolve(project);
  if (node === undefined || !/\/(?:src|machines)\//.test(node.getSourceFile().fileName.slice(root.length - 1))) return undefined;
  if (node.getSourceFile().fileName.includes('/node_modules/')) return undefined;
  return isFunctionDeclaration(node) || isInterfaceDeclaration(node) || isTypeAliasDeclaration(node) ? node : undefined;
}

/** The types that these declarations name, those that these name, and so on, without the declarations themselves. */
function closureOf(project: Project, declarations: readonly Declaration[]): Declaration[] {
  const found = new Map(declarations.map((one) => [keyOf(one), one]));
  for (const declaration of found.values())
    for (const named of typesNamedIn(project.checker, declaration)) {
      const next = declarationOf(project, named);
      if (next !== undefined && !isFunctionDeclaration(next) && !found.has(keyOf(next))) found.set(keyOf(next), next);
    }
  return [...found.values()].slice(declarations.length);
}

const keyOf = (node: Declaration): string => `${node.getSourceFile().fileName}:${node.pos}`;

function typesNamedIn(checker: Checker, declaration: Declaration): TypeSymbol[] {
  const body = isFunctionDeclaration(declaration) ? declaration.body : undefined;
  const named: TypeSymbol[] = [];
  const visit = (node: Node): void => {
    if (node === body) return;
    const symbol = isIdentifier(node) ? checker.getSymbolAtLocation(node) : undefined;
    if (symbol !== undefined) named.push(symbol);
    node.forEachChild(visit);
  };
  declaration.forEachChild(visit);
  return named;
}

function itemOf(node: Declaration): ApiItem {
  const name = node.name?.getText() ?? '';
  const comment = commentOf(node);
  const text = node.getText().replace(/^export (?:async )?/, '');
  if (isFunctionDeclaration(node)) {
    const end = node.body === undefined ? text.length : text.length - node.body.getText().length;
    const signature = text.slice(0, end).trim();
    return { kind: 'function', name, comment, signature, source: signature, parameters: parametersOf(node.parameters), members: [] };
  }
  const members = (isInterfaceDeclaration(node) ? [...node.members] : literalsIn(node.type)).map(memberOf);
  const common = { name, comment, source: text, parameters: [], members };
  if (!isInterfaceDeclaration(node)) return { ...common, kind: 'type', signature: text };
  return { ...common, kind: 'interface', signature: text.slice(0, text.indexOf(' {')) };
}

/** The members of the object types of which a type consists. */
function literalsIn(type: Node): Node[] {
  if (isTypeLiteralNode(type)) return [...type.members];
  return isIntersectionTypeNode(type) ? type.types.flatMap(literalsIn) : [];
}

function memberOf(node: Node): ApiItem {
  const signature = withoutComments(node.getText()).trim();
  return {
    kind: 'member',
    name: /^(?:readonly )?(\[[^\]]+\]|\w+)/.exec(signature)?.[1] ?? signature,
    comment: commentOf(node),
    signature,
    source: signature,
    parameters: isMethodSignatureDeclaration(node) ? parametersOf(node.parameters) : [],
    members: [],
  };
}

function parametersOf(parameters: readonly ParameterDeclaration[]): ApiItem['parameters'] {
  return parameters.map(({ name, type }) => ({ name: name.getText(), type: type?.getText() ?? '' }));
}

function commentOf(node: Node): Comment {
  const before = node.getSourceFile().text.slice(node.pos, node.getStart());
  return parseComment(before.match(/\/\*\*(?:(?!\*\/)[\s\S])*\*\/(?!.*\/\*\*)/s)?.[0] ?? '');
}

/** Parses a doc comment: its text, and its tags. */
export function parseComment(source: string): Comment {
  const lines = source.replaceAll(/^\/\*\*|\*\/\s*$/g, '').split('\n');
  const text = lines.map((line) => line.replace(/^\s*\* ?/, '').trimEnd()).join('\n');
  const [prose = '', ...tags] = text.replaceAll(/\{@link ([\w.]+)[^}]*\}/g, '`$1`').split(/^@(?=[a-z]+\b)/m);
  const valuesOf = (name: string): string[] => tags.filter((tag) => tag.startsWith(name)).map((tag) => tag.slice(name.length).trim());
  const params = valuesOf('param').map((param) => /^(\w+)\s+([\s\S]*)$/.exec(param) ?? []);
  return {
    text: prose.trim(),
    params: new Map(params.map(([, name = '', description = '']) => [name, description])),
    returns: valuesOf('returns').join(' '),
    throws: valuesOf('throws'),
    examples: valuesOf('example'),
  };
}

/** A number that changes with every change of a signature, and with nothing else. */
export function numberOfApi(items: readonly ApiItem[]): string {
  const signaturesOf = (list: readonly ApiItem[]): string[] =>
    list.flatMap(({ name, signature, members }) => [`${name} ${withoutComments(signature)}`, ...signaturesOf(members)]);
  return createHash('sha256').update(signaturesOf(items).join('\n')).digest('hex').slice(0, 8);
}

function withoutComments(code: string): string {
  return code.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '').replaceAll(/\s+/g, ' ');
}
