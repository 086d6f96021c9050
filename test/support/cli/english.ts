/** Words that are the same in Chinese texts, and the names of this test. */
const names = [/function invoc\S*( exception)?/g, /Sequent dev/g, /Unexpected end of file/g, /^(?:ok|--|!!) /g, /\bbad http-0/g];

/** Lines whose text comes from elsewhere in English, because the log, the API or another process has it as well. */
const foreign = [
  // The reason of an error, with its further lines.
  /^(?: {2}原因：| {6}\S)/,
  /^第 \d+ 行已跳过：/,
  // Why an invocation was left out of a bulk operation: it ended after it was selected.
  /(?:^|：)invocation \S+ is over already$/,
  // What a process says about its connections and about the isolation on its machine.
  /：this process was started without --connections <file>$/,
  / 隔离 /,
  // The code and the stack of a function.
  /^ +\d+ \| /,
  /\bat .*(?:<anonymous>|:\d+:\d+)\)?$/,
];

/**
 * The English sentences in the output of a command, so at least two words in a row. Left out are commands to type, quoted text, JSON, paths
 * and ids.
 */
export function englishIn(output: string): string[] {
  const lines = output.split('\n').filter((line) => !foreign.some((pattern) => pattern.test(line)));
  return lines.flatMap((line) => {
    const prose = names
      .reduce((left, name) => left.replaceAll(name, ''), line)
      .replaceAll(/(?:npx )?(?:sequent|nats|curl|echo) [^：，；。）]*/g, '')
      .replaceAll(/"[^"]*"|\{.*\}|\S*[/=_]\S*/g, '');
    return [...prose.matchAll(/[A-Za-z][a-z']+(?: [a-z']{2,})+/g)].map(([found]) => `${found} (in: ${line})`);
  });
}
