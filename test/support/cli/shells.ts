import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

export type Shell = 'bash' | 'zsh' | 'fish';

type Typed = {
  /** The completion script. */
  script: string;
  /** The line before the cursor. */
  line: string;
  /** The folder of the program `sequent`. */
  bin: string;
};

const run = promisify(execFile);
const MAX_WAIT_IN_MS = 60_000;

/** The lines to which Tab completes a line in the real shell: one for each candidate, and for zsh the line after Tab. */
export async function tabOf(shell: Shell, typed: Typed): Promise<string[]> {
  const home = await mkdtemp(join(tmpdir(), 'sequent-shell-'));
  try {
    const env = { PATH: `${typed.bin}:${process.env.PATH}`, HOME: home, ZDOTDIR: home, TERM: 'xterm', LANG: 'C.UTF-8' };
    await writeFile(join(home, 'script'), typed.script);
    await writeFile(join(home, '.zshrc'), zshrc);
    const options = { cwd: home, env, timeout: MAX_WAIT_IN_MS };
    const { stdout } = await run(shell, [...programs[shell], ...(shell === 'bash' ? wordsOf(typed.line) : [typed.line])], options);
    return linesOf[shell](stdout, typed.line);
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

/** Bash takes a colon and an equals sign for words, and replaces the last word. */
function wordsOf(line: string): string[] {
  return line.split(/(?<=[:=])|(?=[:=])| /);
}

/** fish and bash print their candidates. zsh completes for its line editor only, so a Tab is typed in a pseudo terminal. */
const programs: Record<Shell, string[]> = {
  bash: [
    '--norc',
    '-c',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: bash expands it
    'source ~/script; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); __sequent_complete; for one in "${COMPREPLY[@]}"; do echo "$one"; done',
    'bash',
  ],
  zsh: [
    '-f',
    '-c',
    `zmodload zsh/zpty
zpty shell zsh -i
zpty -r shell out '*READY*'
zpty -w -n shell "$1"$'\\t\\C-x\\C-x'
zpty -r shell out '*>END*'
print -r -- "$out"
zpty -d shell`,
    'zsh',
  ],
  fish: ['--no-config', '-c', 'source ~/script; complete -C "$argv[1]"'],
};

/** `print` writes the line of the editor, after all that Tab did. */
const zshrc = `autoload -U compinit; compinit -u -D
source ~/script
print-line() { print -r -- "LINE<$BUFFER>END" }
zle -N print-line
bindkey '^X^X' print-line
PROMPT='> '
print READY
`;

const linesOf: Record<Shell, (stdout: string, line: string) => string[]> = {
  bash: (stdout, line) => candidatesOf(stdout).map((candidate) => line.replace(/[^ :=]*$/, candidate)),
  zsh: (stdout) => [(/LINE<(.*?)>END/s.exec(stdout)?.[1] ?? '').trimEnd()],
  fish: (stdout, line) => candidatesOf(stdout).map((candidate) => line.replace(/[^ ]*$/, candidate.split('\t')[0] ?? '')),
};

function candidatesOf(stdout: string): string[] {
  return stdout.split('\n').filter((line) => line !== '');
}
