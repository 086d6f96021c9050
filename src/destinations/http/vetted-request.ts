/** A request to an address that a user chose: only public addresses, unless the connection reaches further. */
export type VettedRequest = {
  method: 'POST' | 'PUT';
  url: string;
  headers: Record<string, string>;
  body: string;
  reach: Reach;
};

/** How far a request may reach beyond https, the ports 443 and 8443, and public addresses. */
export type Reach = {
  allowPrivate: boolean;
  allowHttp: boolean;
  /** Further ports. */
  ports: readonly number[];
  timeoutInMs: number;
};

/** What became of a request. Its sentences name neither path nor query of the URL, since those may be secret. */
export type Answer =
  | {
      kind: 'answered';
      status: number;
      headers: Readonly<Record<string, string | string[] | undefined>>;
      /** At most 64 KB of it. */
      body: string;
      /** Whether that is all of it. */
      isComplete: boolean;
    }
  /** Not allowed; no connection was made. */
  | { kind: 'refused'; reason: string }
  | { kind: 'timed-out'; reason: string }
  | { kind: 'unreachable'; reason: string };

export interface VettedHttp {
  /** Never rejects. Gives up when the signal aborts. Follows no redirect. */
  send(request: VettedRequest, signal: AbortSignal): Promise<Answer>;
}

/** The reach of an endpoint that the operator configured: its port and protocol are allowed by being there. */
export function reachOf(endpoint: string, { allowPrivate, timeoutInMs }: Pick<Reach, 'allowPrivate' | 'timeoutInMs'>): Reach {
  const { protocol, port } = new URL(endpoint);
  return { allowPrivate, timeoutInMs, allowHttp: protocol === 'http:', ports: port === '' ? [] : [Number(port)] };
}

/** What a URL is called in messages: its protocol, host and port. */
export function originOf(url: string): string {
  return new URL(url).origin;
}
