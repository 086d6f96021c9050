import { say } from '#src/cli/texts/say.ts';
import { parseJson } from '#src/core/json/json.ts';
import type { RehearsedChange } from '#src/nats/transport/rehearsal.ts';
import { decodeAppend } from '#src/nats/wire/codec.ts';
import { isRequest, parseSubject } from '#src/nats/wire/topology.ts';

/** A field before and after a change, as JSON text; absent where it has no value. */
type FieldDifference = { field: string; before?: string; after?: string };
/** What a change is about, and the fields that differ. */
export type Difference = { subject: string; fields: FieldDifference[] };

/** Secrets, and what protects them: the difference says that they change, and not how. */
const HIDDEN = /(?:^|\.)secretUserData\.|^(?:data-key|payload-key)\./;
/** Notes of Sequent itself, and messages that follow from other changes. */
const FOLLOWING = /^(?:wake|deliver|sequent\.audit|worker)\./;
const MAX_VALUE = 200;

/** Describes a change; `undefined` for one that follows from another, and for an entry that stays equal. */
export function describeChange(change: RehearsedChange): Difference | undefined {
  if (change.kind === 'message') return describeMessage(change.subject, change.data);
  const { key, before, after } = change;
  const fields = differences(valuesOf(before), valuesOf(after), HIDDEN.test(key));
  if (fields.length === 0 && (before === undefined) === (after === undefined)) return undefined;
  return { subject: subjectOf(change), fields };
}

function subjectOf({ key, before, after }: Extract<RehearsedChange, { kind: 'entry' }>): string {
  const [, kind, rest = ''] = /^(schedule|quota|test-events|bulk|erasure|settings|data-key|payload-key)\.(.+)$/.exec(key) ?? [];
  const name = kind === undefined ? say('function {name}', { name: key }) : `${kind} ${rest}`;
  if (before === undefined) return say('{name}: new', { name });
  return after === undefined ? say('{name}: removed', { name }) : name;
}

function describeMessage(subject: string, data: Uint8Array): Difference | undefined {
  // The records of an object store say nothing that the definitions do not.
  if (FOLLOWING.test(subject) || subject.startsWith('$O.')) return undefined;
  const parts = parseSubject(subject);
  if (isRequest(parts)) return { subject: say('a request of {function}: new', { function: parts.function }), fields: [] };
  if (parts.kind !== 'invocation') return { subject: say('the request {subject}', { subject }), fields: configOf(subject, data) };
  const facts = decodeAppend(data, 0)?.facts ?? [];
  const invocation = facts[0]?.invocation ?? parts.name.stream;
  const after = facts.map(({ type }) => type).join(', ');
  return {
    subject: say('invocation {invocation} of {function}', { invocation, function: parts.name.function }),
    fields: [{ field: 'facts', after }],
  };
}

/** The configuration of a stream that a request would create or update. */
function configOf(subject: string, data: Uint8Array): FieldDifference[] {
  return /\.STREAM\.(?:CREATE|UPDATE)\./.test(subject) ? differences(new Map(), valuesOf(Buffer.from(data).toString()), false) : [];
}

/** The leaves of a value by their paths. Versions and aliases are named by their names, so that an insertion moves none. */
function valuesOf(text: string | undefined): Map<string, string> {
  const leaves = new Map<string, string>();
  if (text === undefined) return leaves;
  const value = parseJson(text);
  if (value === undefined) leaves.set('value', JSON.stringify(text));
  else addLeaves(leaves, value, '');
  return leaves;
}

function addLeaves(leaves: Map<string, string>, value: unknown, path: string): void {
  const parts = partsOf(value, path);
  if (parts.length === 0) leaves.set(path, JSON.stringify(value));
  for (const [key, part] of parts) addLeaves(leaves, part, path === '' ? key : `${path}.${key}`);
}

/** The named parts of a value; none for a value that is compared as a whole, such as a list. */
function partsOf(value: unknown, path: string): [string, unknown][] {
  if (typeof value !== 'object' || value === null) return [];
  if (!Array.isArray(value)) return Object.entries(value);
  if (!/(?:^|\.)(?:versions|aliases)$/.test(path)) return [];
  return (value as { version?: string; name?: string }[]).map((one) => [one.name ?? one.version ?? '', one]);
}

function differences(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>, isHidden: boolean): FieldDifference[] {
  const names = [...new Set([...before.keys(), ...after.keys()])];
  return names
    .filter((field) => before.get(field) !== after.get(field))
    .map((field) => {
      const shown = (value: string | undefined): string | undefined =>
        value === undefined ? undefined : isHidden || HIDDEN.test(field) ? '******' : cutValue(value);
      const [old, next] = [shown(before.get(field)), shown(after.get(field))];
      return { field, ...(old === undefined ? {} : { before: old }), ...(next === undefined ? {} : { after: next }) };
    });
}

function cutValue(text: string): string {
  return text.length <= MAX_VALUE ? text : `${text.slice(0, MAX_VALUE)}...`;
}
