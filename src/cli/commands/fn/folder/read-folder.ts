import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { usageProblem } from '#src/cli/problem.ts';
import { messageOf } from '#src/core/errors.ts';
import { compactJson, memberText } from '#src/core/json/json-parts.ts';
import { type FolderCode, readCode } from './folder-code.ts';
import { checkFolder, FOLDER_FILE, type FunctionInFolder, MAX_FOLDER_BYTES, type ScheduleInFolder } from './folder-format.ts';

/** A function of a folder: the fields that the folder names, and the code of the function and of its versions. */
export type ReadFunction = {
  name: string;
  fields: FunctionInFolder;
  code: FolderCode | undefined;
  versionCode: ReadonlyMap<string, FolderCode>;
};
/** A schedule of a folder, with its event as it was written; `undefined` when the folder names none. */
export type ReadSchedule = { name: string; fields: ScheduleInFolder; event: string | undefined };
export type ReadFolder = { functions: ReadFunction[]; schedules: ReadSchedule[] };

/** Reads a folder with `sequent.json`, and packs its code. Throws `InvalidInputError` and `CommandError` with the path of the field. */
export async function readFolder(folder: string): Promise<ReadFolder> {
  const file = join(folder, FOLDER_FILE);
  const text = await readDescription(file);
  const { functions = {}, schedules = {} } = checkFolder(JSON.parse(text), file);
  const read: ReadFunction[] = [];
  for (const [name, fields] of Object.entries(functions)) read.push(await readFunction(name, fields, folder));
  const texts = memberText(text, 'schedules') ?? '{}';
  return {
    functions: read,
    schedules: Object.entries(schedules).map(([name, fields]) => {
      const { event: _, ...others } = fields as ScheduleInFolder & { event?: unknown };
      const event = memberText(memberText(texts, name) ?? '{}', 'event');
      return { name, fields: others, event: event && compactJson(event) };
    }),
  };
}

async function readDescription(file: string): Promise<string> {
  const refuse = (why: string, remedy = `a folder with ${FOLDER_FILE}, which "sequent fn export <folder>" writes`): never => {
    throw usageProblem('the folder cannot be deployed', why, remedy);
  };
  const content = await readFile(file).catch((error: unknown) => refuse(messageOf(error)));
  if (content.length > MAX_FOLDER_BYTES) refuse(`${file} has more than ${MAX_FOLDER_BYTES} bytes`, 'several folders');
  const text = content.toString().replace(/^\uFEFF/, '');
  try {
    JSON.parse(text);
  } catch (error) {
    refuse(`${file} is not JSON: ${messageOf(error)}`, `the same command, after ${FOLDER_FILE} is JSON`);
  }
  return text;
}

async function readFunction(name: string, fields: FunctionInFolder, folder: string): Promise<ReadFunction> {
  const at = `functions.${name}`;
  const { handler, versions = {} } = fields;
  const code = handler === undefined || handler === null ? undefined : await readCode(handler, { folder, at: `${at}.handler` });
  const versionCode = new Map<string, FolderCode>();
  for (const [version, { handler: own }] of Object.entries(versions))
    if (own !== undefined && own !== null)
      versionCode.set(version, await readCode(own as { kind: string }, { folder, at: `${at}.versions.${version}.handler` }));
  return { name, fields, code, versionCode };
}
