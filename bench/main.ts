import { helpOf, problemIn, scripts } from './scripts.ts';

/*
 * node --import tsx bench/main.ts <file> [arguments]
 *
 * Prints the help of a benchmark, or refuses its arguments, before anything is loaded. Then it runs the file with these arguments.
 */

const [name = '', ...args] = process.argv.slice(2);
const script = scripts[name];
if (script === undefined) throw new Error(`there is no benchmark "${name}": ${Object.keys(scripts).join(', ')}`);
const wantsHelp = args.includes('--help') || args.includes('-h');
const problem = wantsHelp ? undefined : problemIn(script, args);
if (wantsHelp) process.stdout.write(helpOf(script));
else if (problem !== undefined) {
  process.stderr.write(`${problem}\n\n${helpOf(script)}`);
  process.exitCode = 2;
} else {
  process.argv.splice(2, 1);
  await import(`./${name}.ts`);
}
