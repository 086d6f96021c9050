import { fileURLToPath } from 'node:url';
import packageJson from '../../package.json' with { type: 'json' };
import { numberOfBuild } from './source-hash.ts';

/**
 * The version of this build. package.json is imported, because the folder of a bundle has none; a build puts its own number in its place.
 * Processes of different sources therefore have different versions, and `sequent doctor` sees an upgrade that is half done.
 */
export const VERSION: string = numberOfBuild(packageJson.version, fileURLToPath(new URL('../..', import.meta.url)));
