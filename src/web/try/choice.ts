import type { EventView } from '#src/gateway/api/invocations/invocation-schemas.ts';

/** What the user chooses on the page "Try a policy", as the fields hold it. */
export type PolicyChoice = {
  /** How many attempts of the function fail before one succeeds. */
  failures: string;
  failure: 'error' | 'final';
  attemptInMs: string;
  maxRetries: string;
  initialInMs: string;
  factor: string;
  maxInMs: string;
  maxAgeInSeconds: string;
  destination: 'none' | 'HTTP' | 'FunctionGraph';
  /** How the receiver of the outcome answers. */
  receiver: 'accepts' | 'recovers' | 'refuses' | 'down';
};

export const FIRST_CHOICE: PolicyChoice = {
  failures: '2',
  failure: 'error',
  attemptInMs: '400',
  maxRetries: '3',
  initialInMs: '1000',
  factor: '2',
  maxInMs: '60000',
  maxAgeInSeconds: '3600',
  destination: 'HTTP',
  receiver: 'recovers',
};

/** What the real machine did with the choice. */
export type PolicyRun = { events: EventView[]; state: string; status: string; attempts: number };

/** Runs one invocation under virtual time. Rejects with the refusal of Sequent when the policy is not valid. */
export type RunPolicy = (choice: PolicyChoice) => Promise<PolicyRun>;
