import { splitName, splitPackage } from './names.ts';

/** The region and the project of the functions, as their URNs name them. */
export type Tenancy = {
  region: string;
  /** The own project, which functions with bare names belong to. */
  project: string;
  /**
   * How envelopes describe errors.
   *
   * `documented` (default) follows FunctionGraph's page: the status of the system, and executions counted from 1. `observed` follows captured
   * envelopes: status 500 and no text when user code failed, and retries counted instead of executions.
   */
  envelope?: 'documented' | 'observed';
};

/** The URN of a function, with the project that its name contains, or else the own project, and with its package (PKG1). */
export function functionUrn({ region, project }: Tenancy, name: string, qualifier: string): string {
  const { project: other, bare } = splitName(name);
  const { package: its, name: own } = splitPackage(bare);
  return `urn:fss:${region}:${other ?? project}:function:${its}:${own}:${qualifier}`;
}
