const LEVELS = ['debug', 'info', 'warn', 'error'];

/**
 * The context that FunctionGraph documents for Node.js handlers, with Sequent's plain properties. `signal` aborts with the execution.
 *
 * A class for the reason V6 (docs/performance.md): one is made for every execution.
 */
export class HandlerContext {
  #execution;
  #print;
  #startedAt = performance.now();
  #isAborted = false;
  #controller;

  constructor(execution, print) {
    this.#execution = execution;
    this.#print = print;
    this.requestId = execution.requestId;
    this.functionName = nameInPackage(execution.definition.name);
    this.qualifier = execution.qualifier;
    this.attempt = execution.attempt;
    if (execution.traceparent !== undefined) this.traceparent = execution.traceparent;
    if (execution.requestIds !== undefined) this.requestIds = execution.requestIds;
  }

  /** Made at the first read, because it is the most expensive part of a context and most handlers never read it. */
  get signal() {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#isAborted) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  /** Aborts the signal of a context. Not a method, so that a handler cannot call it. */
  static abort(context) {
    context.#isAborted = true;
    context.#controller?.abort();
  }

  getRequestID() {
    return this.#execution.requestId;
  }
  getRemainingTimeInMilliSeconds() {
    const remainingInMs = this.#execution.definition.timeoutInMs - (performance.now() - this.#startedAt);
    return Math.max(0, Math.floor(remainingInMs));
  }
  /** The timeout of the function, as in FunctionGraph. */
  getRunningTimeInSeconds() {
    return this.#execution.definition.timeoutInMs / 1_000;
  }
  getUserData(key) {
    const { userData, secretUserData = {} } = this.#execution.definition;
    if (Object.hasOwn(secretUserData, key)) return secretUserData[key];
    return Object.hasOwn(userData, key) ? userData[key] : undefined;
  }
  getFunctionName() {
    return nameInPackage(this.#execution.definition.name);
  }
  getVersion() {
    const version = this.#execution.functionUrn.split(':')[7] ?? 'latest';
    return version.startsWith('!') ? 'latest' : version;
  }
  getAlias() {
    const { qualifier } = this.#execution;
    return qualifier.startsWith('!') ? qualifier.slice(1) : '';
  }
  getProjectID() {
    return this.#execution.functionUrn.split(':')[3] ?? '';
  }
  getPackage() {
    return this.#execution.functionUrn.split(':')[5] ?? 'default';
  }
  getMemorySize() {
    return this.#execution.definition.memoryInMb;
  }
  /** In millicores, by FunctionGraph's formula. */
  getCPUNumber() {
    return (this.#execution.definition.memoryInMb / 128) * 100 + 200;
  }

  /** Lines of time, request id, level and text. */
  getLogger() {
    const write = (level, parts) => {
      const text = parts.map((part) => (typeof part === 'string' ? part : asText(part))).join(' ');
      this.#print(`${new Date().toISOString()} ${this.#execution.requestId} [${level}] ${text}\n`);
    };
    return Object.fromEntries(LEVELS.map((level) => [level, (...parts) => write(level, parts)]));
  }

  // A function has no agency and therefore no credentials: these methods return empty texts.
  getAccessKey() {
    return '';
  }
  getSecretKey() {
    return '';
  }
  getSecurityAccessKey() {
    return '';
  }
  getSecuritySecretKey() {
    return '';
  }
  getSecurityToken() {
    return '';
  }
  getToken() {
    return '';
  }
}

/** `getPackage` returns the package, as in FunctionGraph. */
function nameInPackage(name) {
  return name.slice(name.indexOf(':') + 1);
}

function asText(value) {
  try {
    return value instanceof Error ? (value.stack ?? value.message) : (JSON.stringify(value) ?? String(value));
  } catch {
    return '[unprintable]';
  }
}
