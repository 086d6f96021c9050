type Log = (...parts: unknown[]) => void;

/** The part of an execution that a context needs. The host sends it to the child process. */
export type ContextFacts = {
  definition: { name: string; timeoutInMs: number; memoryInMb: number; userData: Record<string, string> };
  requestId: string;
  qualifier: string;
  functionUrn: string;
  attempt: number;
  traceparent?: string;
  requestIds?: readonly string[];
};

/** The context that FunctionGraph documents for Node.js handlers, with Sequent's plain properties. */
export class HandlerContext {
  constructor(execution: ContextFacts, print: (text: string) => void);
  readonly requestId: string;
  readonly functionName: string;
  readonly qualifier: string;
  /** 1 for the first execution; a higher number means a retry. */
  readonly attempt: number;
  readonly traceparent?: string;
  /** The requests of a debounced group, in the order of the events. */
  readonly requestIds?: readonly string[];
  /** Aborts with the execution. In an inline handler it also aborts at the timeout. */
  readonly signal: AbortSignal;
  static abort(context: HandlerContext): void;
  getRequestID(): string;
  getRemainingTimeInMilliSeconds(): number;
  getRunningTimeInSeconds(): number;
  getUserData(key: string): string | undefined;
  getFunctionName(): string;
  getVersion(): string;
  getAlias(): string;
  getProjectID(): string;
  getPackage(): string;
  getMemorySize(): number;
  getCPUNumber(): number;
  getLogger(): { debug: Log; info: Log; warn: Log; error: Log };
  getAccessKey(): string;
  getSecretKey(): string;
  getSecurityAccessKey(): string;
  getSecuritySecretKey(): string;
  getSecurityToken(): string;
  getToken(): string;
}
