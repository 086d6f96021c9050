import { isAbsolute, resolve, sep } from 'node:path';
import { createSubjectRules, projectOf, type SubjectGrant, type SubjectRules } from '#src/core/names/addressable.ts';
import type { FunctionDefinition } from './definition.ts';

/** Allows a project to use files below a folder of the worker's machine as handlers. */
type FileGrant = { project: string; folder: string };

/** What the operator allows other projects beyond the defaults. */
export type Grants = { subjects?: readonly SubjectGrant[]; files?: readonly FileGrant[] };

export type HandlerRefusal = { field: string; problem: string };

/** The rules for subjects and files that handlers name (U1). They depend on the project of the function. */
export interface HandlerRules {
  readonly subjects: SubjectRules;
  /** Why a handler is refused, and what to do instead; `undefined` when it is accepted. */
  refuse(definition: Pick<FunctionDefinition, 'name' | 'handler'>): HandlerRefusal | undefined;
}

export function createHandlerRules({ subjects: subjectGrants, files = [] }: Grants = {}): HandlerRules {
  const subjects = createSubjectRules(subjectGrants);
  return {
    subjects,
    refuse({ name, handler }) {
      if (handler.kind === 'subject') return refusalAt('handler.subject', subjects.refuse(handler.subject, name));
      if (handler.kind === 'process' && handler.package === undefined)
        return refusalAt('handler.file', refuseFile(handler.file, name, files));
      return undefined;
    },
  };
}

/** A package belongs to the project that uploaded it. A file of the worker's machine belongs to the operator. */
function refuseFile(file: string, functionName: string, grants: readonly FileGrant[]): string | undefined {
  const project = projectOf(functionName);
  if (project === undefined) return undefined;
  const isGranted = grants.some((grant) => grant.project === project && isAbsolute(file) && isBelow(file, grant.folder));
  if (isGranted) return undefined;
  return `project ${project} may not run files of the worker's machine (rule U1); upload a package, or ask the operator for --files ${project}=<folder>`;
}

function isBelow(file: string, folder: string): boolean {
  return resolve(file).startsWith(resolve(folder).replace(/\/*$/, sep));
}

function refusalAt(field: string, problem: string | undefined): HandlerRefusal | undefined {
  return problem === undefined ? undefined : { field, problem };
}
