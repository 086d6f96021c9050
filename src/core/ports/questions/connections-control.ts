/** A question about the named connections. Each destinations role answers, or only the one of `process`. */
export type ConnectionsQuestion =
  | { do: 'list' | 'reload'; process?: string | undefined }
  /** Sends a test envelope to a target of the connection: a URL, a bucket, a topic or a stream, by the kind of the connection. */
  | { do: 'test'; process: string; name: string; target: string };

/** The answer of one destinations role. */
export type ConnectionsAnswer = {
  process: string;
  /** The file of the connections; `null` when the role was started without one. */
  file: string | null;
  connections: { name: string; kind: string }[];
  /** Why the file could not be used, or the connection not be tested. */
  problem?: string | undefined;
};

/** Asks the destinations roles about their connections. Only they hold the connections, and so the permissions (SRC5). */
export interface ConnectionsControl {
  /**
   * The answers that arrive in time; none when no destinations role runs. Throws `NoAnswerError` when one runs and none answers (A1), unless the
   * question is a test.
   */
  ask(question: ConnectionsQuestion): Promise<ConnectionsAnswer[]>;
  /** Answers for this process until the signal aborts. */
  answer(
    process: string,
    answer: (question: ConnectionsQuestion) => Promise<Omit<ConnectionsAnswer, 'process'>>,
    signal: AbortSignal,
  ): void;
}
