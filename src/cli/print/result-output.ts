import type { Call } from '#src/cli/call.ts';
import { CommandError, type ExitCode, exitCodes, problemJson } from '#src/cli/problem.ts';
import { say, translated } from '#src/cli/texts/say.ts';
import type { Result } from '#src/client/client.ts';
import { parseJson } from '#src/core/json/json.ts';
import { indentJson, jsonWith } from '#src/core/json/json-parts.ts';
import { nameInPackage } from '#src/core/names/names.ts';
import { plain } from './terminal.ts';

/** Prints an outcome: the returned value, or the problem. Returns the exit code of the outcome. */
export function printResult({ terminal, format }: Pick<Call, 'terminal' | 'format'>, result: Result): ExitCode {
  const { out, err } = terminal;
  const { outcome } = result;
  if (format === 'json') out.line(indentJson(resultJson(result)));
  else if (format === 'jsonl') out.line(resultJson(result));
  else if (format === 'name') out.line(outcome);
  else if (outcome === 'succeeded') printValue({ terminal }, result.payload);
  if (outcome === 'succeeded') return exitCodes.ok;
  const { problem } = failureOf(result);
  if (format === 'table') printProblem(problem, err);
  else err.line(problemJson(problem));
  return exitCodes.failed;
}

/** The returned value is in the result as the function wrote the value: a Python function may return any whole number. */
function resultJson({ requestId, outcome, envelope, payload, value }: Result): string {
  const isJson = payload !== '' && parseJson(payload) !== undefined;
  return jsonWith({ requestId, outcome, envelope, ...(isJson ? {} : { value }) }, 'value', isJson ? payload : undefined);
}

/** Prints a returned value unchanged, or indented on a terminal. */
function printValue({ terminal: { out, err } }: Pick<Call, 'terminal'>, payload: string): void {
  if (payload === '') return err.line(err.paint.dim(say('(the function returned nothing)')));
  out.line(out.isTty ? indented(payload) : payload);
}

function indented(payload: string): string {
  // A responder may answer with text that is not JSON.
  return parseJson(payload) === undefined ? plain(payload) : indentJson(payload);
}

function failureOf({ requestId, envelope }: Result): CommandError {
  const { condition, approximate_invoke_count: attempts } = envelope.request_context;
  const name = nameIn(envelope.request_context.function_urn);
  return new CommandError({
    code: 'INVOCATION_FAILED',
    exitCode: exitCodes.failed,
    what:
      attempts === 1
        ? say('{name} failed after 1 attempt ({condition})', { name, condition })
        : say('{name} failed after {attempts} attempts ({condition})', { name, attempts, condition }),
    why: messageIn(envelope),
    remedy: `sequent timeline ${requestId}`,
  });
}

function nameIn(urn: string): string {
  const [packageOf = '', name = 'the function'] = urn.split(':').slice(-3, -1);
  return nameInPackage(packageOf, name);
}

function messageIn({ response_context, response_payload }: Result['envelope']): string {
  try {
    const { errorType, errorMessage } = JSON.parse(response_payload) as { errorType?: string; errorMessage?: string };
    return errorType === undefined ? response_context.function_error : `${errorType}: ${errorMessage}`;
  } catch {
    return response_context.function_error;
  }
}

type Lines = Pick<Call['terminal']['err'], 'line' | 'paint'>;

/** Prints three parts: what happened, why, and the command to try. */
export function printProblem({ what, why, remedy }: { what: string; why: string; remedy: string }, { line, paint }: Lines): void {
  line(`${paint.bold(paint.red(say('error:')))} ${plain(translated(what))}`);
  for (const [index, reason] of why.split('\n').entries()) line(`${paint.dim(index === 0 ? say('  why:') : '      ')} ${plain(reason)}`);
  line(`${paint.dim(say('  try:'))} ${plain(translated(remedy))}`);
}
