import { describe, expect, test } from 'vitest';
import { functionIn, isFunctionName, nameInPackage, parseFunctionName, splitName, splitPackage } from '#src/core/names/names.ts';

describe('names', () => {
  test.for([
    ['billing:report', undefined, 'billing', 'report'],
    ['0_-:report', undefined, '0_-', 'report'],
    ['Default:report', undefined, 'Default', 'report'],
    ['p2=billing:report', 'p2', 'billing', 'report'],
    ['report', undefined, 'default', 'report'],
  ] as const)('%s is a function in a package', ([text, project, packageOf, name]) => {
    expect(isFunctionName(text)).toBe(true);
    const split = splitName(text);
    expect(split.project).toBe(project);
    expect(splitPackage(split.bare)).toEqual({ package: packageOf, name });
    expect(functionIn(project, nameInPackage(packageOf, name))).toBe(text);
  });

  test.for<[string, string]>([
    ['default:report', 'report'],
    ['p2=default:report', 'p2=report'],
  ])('%s has one name, %s', ([text, name]) => {
    expect(isFunctionName(text)).toBe(false);
    expect(parseFunctionName(text)).toBe(name);
    expect(functionIn(undefined, 'default:report')).toBe('report');
  });
});
