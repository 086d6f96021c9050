import packageJson from '../../package.json' with { type: 'json' };

/** The version of this package. It is imported, because the folder of a bundle has no package.json. */
export const VERSION: string = packageJson.version;
