import { quote } from './names.ts';
import { SEQUENT_SUBJECTS } from './subjects.ts';

/**
 * The subjects that the functions of a project may address (U1): as a handler, as a NATS destination, as a stream of DIS.
 *
 * 1. No project may address a subject of Sequent, or of the server (`$…`, `_…`).
 * 2. A project other than the own one may address `fn.<project>.>`, and the subjects that the operator grants.
 * 3. The own project may address every other subject.
 *
 * The rules are applied when a function is configured, and again before each message is sent, because an entry of the registry may be older
 * than a rule, or may have bypassed the registry.
 */
export interface SubjectRules {
  /** Why a function may not address a subject, and what to do instead; `undefined` when it may. */
  refuse(subject: string, functionName: string): string | undefined;
}

/** Allows a project to address a subject and all subjects below it. */
export type SubjectGrant = { project: string; prefix: string };

const literal = /^[^\s\p{C}.*>]+(?:\.[^\s\p{C}.*>]+)*$/u;
const MAX_BYTES = 255;
const reserved: ReadonlySet<string> = new Set(Object.values(SEQUENT_SUBJECTS).map(firstToken));

export function createSubjectRules(grants: readonly SubjectGrant[] = []): SubjectRules {
  return {
    refuse(subject, functionName) {
      if (!isLiteralSubject(subject)) return `${quote(subject)} is no subject that a message can be sent to`;
      const project = projectOf(functionName);
      if (isReserved(subject)) {
        const free = project === undefined ? 'fn.' : `fn.${project}.`;
        return `subject ${quote(subject)} is reserved for Sequent or the NATS server (rule U1); use a subject below "${free}"`;
      }
      if (project === undefined || subject.startsWith(`fn.${project}.`)) return undefined;
      if (grants.some((grant) => grant.project === project && isBelow(subject, grant.prefix))) return undefined;
      const grant = `--subjects ${project}=${firstToken(subject)}`;
      return `project ${project} may not address subject ${quote(subject)} (rule U1); use a subject below "fn.${project}.", or ask the operator for ${grant}`;
    },
  };
}

/** Whether a message can be sent to a subject: it has no wildcard, no empty token and no character that ends a line. */
export function isLiteralSubject(subject: string): boolean {
  return literal.test(subject) && Buffer.byteLength(subject) <= MAX_BYTES;
}

/** Whether a subject belongs to Sequent or to the NATS server. */
export function isReserved(subject: string): boolean {
  const first = firstToken(subject);
  return first.startsWith('$') || first.startsWith('_') || reserved.has(first);
}

/** The name of the built-in DIS stream for a function. Every project has its own streams. */
export function disStreamFor(functionName: string, stream: string): string {
  const project = projectOf(functionName);
  return project === undefined ? stream : `${project}=${stream}`;
}

/** The project of a function; `undefined` for the own project. A name with a project mark never counts as the own project's. */
export function projectOf(functionName: string): string | undefined {
  const at = functionName.indexOf('=');
  return at < 0 ? undefined : functionName.slice(0, at);
}

function isBelow(subject: string, prefix: string): boolean {
  return subject === prefix || subject.startsWith(`${prefix}.`);
}

function firstToken(subject: string): string {
  return subject.split('.', 1)[0] ?? '';
}
