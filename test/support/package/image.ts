import { cpSync, existsSync, lstatSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { chown } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type Copy, DockerfileParser, type From, type Instruction, type JSONInstruction, type PropertyInstruction } from 'dockerfile-ast';
import { basePath, createTree, runInStage } from './stage.ts';

/** The tree and the settings of an image, as the steps of a Dockerfile make them. */
export type Image = {
  root: string;
  workdir: string;
  env: Record<string, string>;
  user: string | undefined;
  entrypoint: string[];
  command: string[];
  healthcheck: string[];
};

/** Executes the steps of a Dockerfile in the folder. Its `RUN` steps run with the programs of this machine. Refuses a step that it does not know. */
export async function buildImage(checkout: string, folder: string): Promise<Image> {
  const parsed = DockerfileParser.parse(readFileSync(join(checkout, 'Dockerfile'), 'utf8'));
  const stages = new Map<string, Image>();
  let stage: Image | undefined;
  for (const instruction of parsed.getInstructions()) {
    const keyword = instruction.getKeyword();
    if (keyword === 'ARG') continue;
    if (keyword === 'FROM') {
      stage = newStage(join(folder, `stage-${stages.size}`));
      stages.set((instruction as From).getBuildStage() ?? 'last', stage);
    } else await step(keyword, instruction, { checkout, stages, stage: stage as Image });
  }
  if (stage === undefined) throw new Error('the Dockerfile has no stage');
  return stage;
}

function newStage(root: string): Image {
  return { root: createTree(root), workdir: '/', env: { PATH: basePath }, user: undefined, entrypoint: [], command: [], healthcheck: [] };
}

type Build = { checkout: string; stages: ReadonlyMap<string, Image>; stage: Image };

async function step(keyword: string, instruction: Instruction, build: Build): Promise<void> {
  const { stage } = build;
  const args = instruction.getArguments().map((argument) => argument.getValue());
  switch (keyword) {
    case 'WORKDIR':
      stage.workdir = args[0] ?? '/';
      // Docker creates the folder.
      await runInStage({ ...stage, workdir: '/', args: ['mkdir', '-p', stage.workdir] });
      return;
    case 'RUN':
      await runInStage({ ...stage, args: ['sh', '-c', instruction.getRawArgumentsContent() ?? ''] });
      return;
    case 'COPY':
      return await copy(instruction as Copy, build);
    case 'ENV':
      for (const property of (instruction as PropertyInstruction).getProperties())
        stage.env[property.getName()] = (property.getValue() ?? '').replaceAll('$PATH', stage.env.PATH ?? '');
      return;
    case 'USER':
      stage.user = args[0];
      return;
    case 'ENTRYPOINT':
      stage.entrypoint = stringsOf(instruction as JSONInstruction);
      return;
    case 'CMD':
      stage.command = stringsOf(instruction as JSONInstruction);
      return;
    case 'HEALTHCHECK':
      stage.healthcheck = JSON.parse(/\[[\s\S]*\]/.exec(instruction.getRawArgumentsContent() ?? '')?.[0] ?? '[]') as string[];
      return;
    case 'LABEL':
    case 'EXPOSE':
      return;
    default:
      throw new Error(`the test does not know the step ${keyword}`);
  }
}

function stringsOf(instruction: JSONInstruction): string[] {
  return instruction.getJSONStrings().map((argument) => argument.getJSONValue());
}

async function copy(instruction: Copy, { checkout, stages, stage }: Build): Promise<void> {
  const flags = new Map(instruction.getFlags().map((flag) => [flag.getName(), flag.getValue() ?? '']));
  const from = flags.get('from');
  const given = instruction.getArguments().map((argument) => argument.getValue());
  const to = given.at(-1) ?? '';
  const target = join(stage.root, to.startsWith('/') ? to : join(stage.workdir, to));
  for (const source of given.slice(0, -1)) {
    if (from === undefined) copyFromContext(checkout, source, target);
    else cpSync(join(stages.get(from)?.root ?? '', source), target, { recursive: true, verbatimSymlinks: true });
  }
  const owner = flags.get('chown')?.split(':').map(Number);
  if (owner === undefined || from === undefined) return;
  const copied = join(stages.get(from)?.root ?? '', given[0] ?? '');
  for (const path of readdirSync(copied, { recursive: true, encoding: 'utf8' }))
    await chown(join(target, path), owner[0] ?? 0, owner[1] ?? 0);
}

/** Copies what .dockerignore does not exclude. */
function copyFromContext(checkout: string, source: string, target: string): void {
  const isFolder = lstatSync(join(checkout, source)).isDirectory();
  const { included, excluded } = readIgnoreFile(checkout);
  const files = source === '.' ? included.filter((path) => existsSync(join(checkout, path))) : [source];
  for (const path of files) {
    if (!included.some((one) => path === one || path.startsWith(`${one}/`))) throw new Error(`.dockerignore excludes ${path}`);
    const destination = isFolder ? join(target, path) : join(target, basename(path));
    cpSync(join(checkout, path), destination, { recursive: true, verbatimSymlinks: true });
  }
  for (const path of excluded) rmSync(join(target, path), { recursive: true, force: true });
}

/** The ignore file excludes everything but the paths that it names, and a few folders in these. */
function readIgnoreFile(checkout: string): { included: string[]; excluded: string[] } {
  const lines = readFileSync(join(checkout, '.dockerignore'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  if (lines[0] !== '*') throw new Error('.dockerignore must exclude everything first');
  return {
    included: lines.filter((line) => line.startsWith('!')).map((line) => line.slice(1)),
    excluded: lines.filter((line) => !line.startsWith('!') && line !== '*'),
  };
}
