import { dirname, join, relative, sep } from 'node:path';

/**
 * The specifier in `dist` for an import of a source file: `#src/core/errors.ts` becomes `../core/errors.js`.
 *
 * Relative specifiers need no `imports` of package.json, so that Node, TypeScript and every bundler resolve them alike.
 * The specifier of another package, or of JavaScript, is returned as it is.
 *
 * @param importer The path of the importing file below the checkout.
 */
export function builtSpecifier(specifier: string, importer: string): string {
  if (!/^[#.]/.test(specifier)) return specifier;
  const from = dirname(importer);
  const path = specifier.startsWith('#') ? relative(from, specifier.slice(1)) : relative(from, join(from, specifier));
  const portable = path.split(sep).join('/').replace(/\.ts$/, '.js');
  return portable.startsWith('.') ? portable : `./${portable}`;
}

/** The text of a declaration file with the specifiers that `dist` needs. */
export function withBuiltSpecifiers(declarations: string, file: string): string {
  return declarations.replaceAll(
    /(\bfrom |\bimport\(|\bimport )(['"])([#.][^'"]+)\2/g,
    (_, before: string, quote: string, specifier: string) => `${before}${quote}${builtSpecifier(specifier, file)}${quote}`,
  );
}
