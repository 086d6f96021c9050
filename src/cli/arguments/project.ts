import { InvalidArgumentError } from 'commander';
import { isProjectId } from '#src/core/names/names.ts';

/** Reads the id of a project. Throws commander's error. */
export function parseProject(text: string): string {
  if (!isProjectId(text)) throw new InvalidArgumentError('It must be 1 to 64 letters, digits, "-" or "_".');
  return text;
}
