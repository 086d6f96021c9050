import packageJson from '../../package.json' with { type: 'json' };

/** The version of this package. An import, because a bundle of the client has no package.json beside it. */
export const VERSION: string = packageJson.version;
