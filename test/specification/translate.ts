import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import {
  newIdGenerator,
  parsePhase1fromText,
  type QuintApp,
  type QuintDeclaration,
  type QuintEx,
  type QuintType,
} from '@informalsystems/quint';

/*
 * Translates the pure definitions of `life.qnt` into TypeScript, so that `validate.ts` and `sequent verify --strict` read logs by the specification itself, as fast as a test
 * needs it. The simulation of Quint keeps its own evaluator: `npm run specify` compares the machine with that, and fails when the translation is
 * not the one of the present specification.
 */

const folder = new URL('.', import.meta.url).pathname;
export const TRANSLATED = '../../src/analysis/verify/life.generated.ts';

/** Returns the TypeScript of the types and the pure definitions of `life.qnt`. Throws on an operator that no definition has used so far. */
export async function translateSpecification(): Promise<string> {
  const source = await readFile(`${folder}life.qnt`, 'utf8');
  const { modules, errors } = parsePhase1fromText(newIdGenerator(), source, 'life.qnt');
  if (errors.length > 0) throw new Error(errors.map(({ message }) => message).join('\n'));
  const parts = (modules[0]?.declarations ?? []).map(declarationOf).filter((text) => text !== '');
  const hash = createHash('sha256').update(source).digest('hex');
  const text = `/* Translated from life.qnt (${hash}) by \`npm run specify -- --write\`. Do not edit. */\n// biome-ignore-all lint: the translation repeats the operators of the specification\n\n${parts.join('\n\n')}\n`;
  return execFileSync('npx', ['biome', 'format', `--stdin-file-path=${folder}${TRANSLATED}`], { input: text, encoding: 'utf8' });
}

function declarationOf(declaration: QuintDeclaration): string {
  if (declaration.kind === 'typedef') return `export type ${declaration.name} = ${typeOf(declaration.type)};`;
  if (declaration.kind !== 'def') return '';
  const { name, qualifier, expr } = declaration;
  if (qualifier === 'pureval') return `const ${name} = ${textOf(expr)};`;
  // A set is needed by the simulation alone.
  if (qualifier !== 'puredef' || expr.kind !== 'lambda' || name === 'likely') return '';
  const params = expr.params.map((param) => `${param.name}: ${typeOf(param.typeAnnotation)}`).join(', ');
  const isExported = name === 'accepts' || name === 'following' ? 'export ' : '';
  return `${isExported}function ${name}(${params}) { return ${textOf(expr.expr)}; }`;
}

const names: Readonly<Record<string, string>> = { str: 'string', int: 'number', bool: 'boolean' };

function typeOf(type: QuintType | undefined): string {
  if (type?.kind === 'const') return type.name;
  if (type?.kind !== 'rec' || type.fields.kind !== 'row') return names[type?.kind ?? ''] ?? 'never';
  return `{ ${type.fields.fields.map((field) => `${field.fieldName}: ${typeOf(field.fieldType)}`).join('; ')} }`;
}

const infix: Readonly<Record<string, string>> = {
  and: '&&',
  or: '||',
  eq: '===',
  neq: '!==',
  igte: '>=',
  ilte: '<=',
  ilt: '<',
  igt: '>',
  iadd: '+',
};

function textOf(expression: QuintEx): string {
  if (expression.kind === 'name') return expression.name;
  if (expression.kind === 'str') return JSON.stringify(expression.value);
  if (expression.kind === 'bool' || expression.kind === 'int') return String(expression.value);
  if (expression.kind !== 'app') throw new Error(`the translation does not know ${expression.kind}`);
  return textOfCall(expression);
}

function textOfCall({ opcode, args }: QuintApp): string {
  const texts = args.map(textOf);
  const [first = '', second = '', third = ''] = texts;
  const operator = infix[opcode];
  if (operator !== undefined) return `(${texts.join(` ${operator} `)})`;
  if (opcode === 'not') return `!${first}`;
  if (opcode === 'ite') return `(${first} ? ${second} : ${third})`;
  if (opcode === 'field') return `${first}.${JSON.parse(second)}`;
  if (opcode === 'with') return `{ ...${first}, ${JSON.parse(second)}: ${third} }`;
  if (!/^(?:[a-z][A-Za-z]+)$/.test(opcode)) throw new Error(`the translation does not know ${opcode}`);
  return `${opcode}(${texts.join(', ')})`;
}
