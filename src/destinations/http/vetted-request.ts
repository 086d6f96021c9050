/** A request to an address that a user chose. Only public addresses are allowed, unless `reach` permits more. */
export type VettedRequest = {
  method: 'POST' | 'PUT';
  url: string;
  headers: Record<string, string>;
  body: string;
  reach: Reach;
};

/** What a request may use in addition to https, the ports 443 and 8443, and public addresses. */
export type Reach = {
  allowPrivate: boolean;
  /** Permits the loopback interface, if the URL itself names it. */
  allowLoopback?: true | undefined;
  allowHttp: boolean;
  /** Additional ports. */
  ports: readonly number[] | 'any';
  timeoutInMs: number;
};

/** The result of a request. A reason names neither path nor query of the URL, because those may be secret. */
export type Answer =
  | {
      kind: 'answered';
      status: number;
      headers: Readonly<Record<string, string | string[] | undefined>>;
      /** At most `maxBodyBytes` of the body, 64 KB by default. */
      body: string;
      /** Whether `body` is the whole body. */
      isComplete: boolean;
    }
  /** Not allowed: no connection was made. */
  | { kind: 'refused'; reason: string }
  | { kind: 'timed-out'; reason: string }
  | { kind: 'unreachable'; reason: string };

export interface VettedHttp {
  /** Never rejects. Stops when the signal aborts. Follows no redirect. */
  send(request: VettedRequest, signal: AbortSignal): Promise<Answer>;
}

/** The reach of an endpoint that the operator configured: the endpoint itself permits its port and its protocol. */
export function reachOf(endpoint: string, { allowPrivate, timeoutInMs }: Pick<Reach, 'allowPrivate' | 'timeoutInMs'>): Reach {
  const { protocol, port } = new URL(endpoint);
  return { allowPrivate, timeoutInMs, allowHttp: protocol === 'http:', ports: port === '' ? [] : [Number(port)] };
}

/** The name of a URL in messages: its protocol, host and port. */
export function originOf(url: string): string {
  return new URL(url).origin;
}
