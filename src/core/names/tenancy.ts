import { splitName } from './names.ts';

/** Where the functions are, for their URNs. */
export type Tenancy = {
  region: string;
  /** The own project: that of the functions whose names say none. */
  project: string;
  /**
   * How its envelopes speak of errors. `documented`, the default, as the vendor's page says: the status is that of the system,
   * and executions are counted from 1. `observed`, as captured: status 500 and no text when user code failed, and retries
   * are counted.
   */
  envelope?: 'documented' | 'observed';
};

/** The URN of a function; of one of another project with that project. */
export function functionUrn({ region, project }: Tenancy, name: string, qualifier: string): string {
  const { project: other, bare } = splitName(name);
  return `urn:fss:${region}:${other ?? project}:function:default:${bare}:${qualifier}`;
}
