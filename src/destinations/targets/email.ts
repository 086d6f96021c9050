import { createTransport } from 'nodemailer';
import { splitName } from '#src/core/names/names.ts';
import type { DeliveryRequest, DeliveryResult } from '#src/core/ports/destination-target.ts';
import { abortWithin } from '#src/core/time/abort-within.ts';
import type { Smtp } from './connection.ts';
import { type Revealed, reveal } from './secret.ts';
import { dead, delivered, failed } from './verdict.ts';

export type Email = { to: string; messageId: string; request: DeliveryRequest };
export type EmailOptions = { smtp: Smtp; timeoutInMs: number; signal: AbortSignal };

/** Sends the envelope by e-mail. Of the server's answer, only codes appear in the result. */
export async function sendEmail({ to, messageId, request }: Email, { smtp, timeoutInMs, signal }: EmailOptions): Promise<DeliveryResult> {
  const credentials = credentialsOf(smtp);
  if (credentials.kind === 'unreadable') return failed(`insufficient permission: ${credentials.problem}`);
  const { password } = credentials.texts;
  const limited = abortWithin(timeoutInMs, signal);
  const transport = createTransport({
    host: smtp.host,
    port: smtp.port,
    secure: smtp.secure,
    requireTLS: smtp.requireTls ?? password !== undefined,
    ...(password === undefined ? {} : { auth: { user: smtp.user ?? '', pass: password } }),
    connectionTimeout: timeoutInMs,
    greetingTimeout: timeoutInMs,
    socketTimeout: timeoutInMs,
    // An abandoned connection closes at once.
    socketCloseTimeout: 0,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  try {
    await transport.sendMail({
      from: smtp.from,
      to,
      messageId: `<${messageId.replace(/[^A-Za-z0-9._-]/g, '_')}@${smtp.from.split('@')[1]}>`,
      subject: `${splitName(request.functionName).bare}:${request.qualifier} ${request.outcome} (${request.requestId})`,
      text: textOf(request),
      signal: limited,
    });
    return delivered;
  } catch (error) {
    if (signal.aborted) return failed('the mail was given up');
    if (limited.aborted) return failed(`the mail server ${smtp.host} did not take the mail within ${timeoutInMs} ms`);
    return verdictOfSmtpError(error as SmtpError, smtp.host);
  }
}

function credentialsOf({ password }: Smtp): Revealed<'password'> | { kind: 'none'; texts: { password?: undefined } } {
  return password === undefined ? { kind: 'none', texts: {} } : reveal({ password });
}

function textOf(request: DeliveryRequest): string {
  const { functionName, qualifier, outcome, requestId, envelope } = request;
  return `The invocation ${requestId} of ${splitName(functionName).bare}:${qualifier} ${outcome}.\n\n${JSON.stringify(JSON.parse(envelope), null, 2)}\n`;
}

type SmtpError = Error & { code?: string; responseCode?: number };

/** A response code of 500 or more is final. */
function verdictOfSmtpError({ code, responseCode }: SmtpError, host: string): DeliveryResult {
  const codes = responseCode === undefined ? (code ?? 'unknown error') : `${responseCode}${code === undefined ? '' : ` ${code}`}`;
  if (code === 'EAUTH' && (responseCode ?? 500) >= 500)
    return dead(`insufficient permission: the mail server ${host} refused the user (${codes})`);
  const problem = code === 'ETLS' ? 'offers no encryption' : 'did not take the mail';
  const reason = `the mail server ${host} ${problem} (${codes})`;
  return responseCode !== undefined && responseCode >= 500 ? dead(reason) : failed(reason);
}
