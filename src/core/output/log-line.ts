import { parseJson } from '#src/core/json/json.ts';

/** The levels of log lines, the least severe first. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** What a line says about itself. `at` is in milliseconds since the epoch. */
export type ParsedLine = { level?: LogLevel; at?: number; message: string };

/** A line of `context.getLogger()`: time, request id, level and text. */
const loggerLine = /^(\d{4}-\d\d-\d\dT[\d:.]+Z) \S+ \[(debug|info|warn|error)\] (.*)$/;

/**
 * Reads the level, the time and the message of a line: of a JSON object with a field `level`, as pino, winston and bunyan write it, or of
 * `context.getLogger()`. Any other line is its own message.
 */
export function parseLine(text: string): ParsedLine {
  if (text.startsWith('{')) return parseObject(text);
  const [, time, level, message] = loggerLine.exec(text) ?? [];
  if (time === undefined || message === undefined) return { message: text };
  return { level: level as LogLevel, at: Date.parse(time), message };
}

function parseObject(text: string): ParsedLine {
  const found = parseJson(text);
  if (typeof found !== 'object' || found === null) return { message: text };
  const fields = found as Record<string, unknown>;
  const level = levelOf(fields.level ?? fields.severity);
  if (level === undefined) return { message: text };
  const at = timeOf(fields.time ?? fields.timestamp ?? fields.ts ?? fields['@timestamp']);
  const message = fields.msg ?? fields.message;
  return { level, ...(at === undefined ? {} : { at }), message: typeof message === 'string' ? message : text };
}

/** Names of levels that other loggers and syslog use. */
const otherNames: Readonly<Record<string, LogLevel>> = {
  verbose: 'debug',
  silly: 'trace',
  information: 'info',
  notice: 'info',
  warning: 'warn',
  err: 'error',
  critical: 'fatal',
  crit: 'fatal',
  alert: 'fatal',
  emerg: 'fatal',
  panic: 'fatal',
};

/** pino and bunyan number their levels 10, 20, … 60. A number between two of them counts as the lower one. */
function levelOf(value: unknown): LogLevel | undefined {
  if (typeof value === 'number') return value >= 10 ? LOG_LEVELS[Math.min(Math.floor(value / 10) - 1, LOG_LEVELS.length - 1)] : undefined;
  if (typeof value !== 'string') return undefined;
  const name = value.toLowerCase();
  return LOG_LEVELS.find((level) => level === name) ?? otherNames[name];
}

/** Seconds have ten digits before the point in this century, milliseconds thirteen. */
const FIRST_MILLISECONDS = 1e11;

function timeOf(value: unknown): number | undefined {
  const at = typeof value === 'number' ? value * (value < FIRST_MILLISECONDS ? 1_000 : 1) : Date.parse(String(value));
  return at >= 0 && at <= 8.64e15 ? Math.floor(at) : undefined;
}
