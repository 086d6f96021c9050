import { describe, expect, test } from 'vitest';
import { type Abilities, ISOLATION_MODES, planIsolation } from '#src/hosts/isolation/plan.ts';

const root: Abilities = { isRoot: true, namespaces: true, otherUsers: true, filter: true };
const user: Abilities = { isRoot: false, namespaces: true, otherUsers: 'not root', filter: true };
const container: Abilities = {
  isRoot: true,
  namespaces: 'unshare failed: Operation not permitted',
  otherUsers: true,
  filter: 'setpriv: unrecognized option',
};
const bare: Abilities = {
  isRoot: false,
  namespaces: 'unshare failed: Operation not permitted',
  otherUsers: 'not root',
  filter: 'there is no sandbox',
};

describe('the plan of isolation', () => {
  test.each(['require', 'prefer'] as const)('uses namespaces wherever they work (%s)', (mode) => {
    expect(planIsolation(mode, root)).toMatchObject({ level: 'namespaces', hasOwnUsers: true, refusal: undefined });
    expect(planIsolation(mode, user)).toMatchObject({ level: 'namespaces', hasOwnUsers: false, refusal: undefined });
  });

  test.each([container, bare])('refuses by default where namespaces do not work, and names what is missing', (abilities) => {
    const { refusal, summary } = planIsolation('require', abilities);
    expect(refusal).toContain('unshare failed: Operation not permitted');
    expect(refusal).toMatch(/Install util-linux.*--isolation prefer$/);
    expect(summary).toMatch(/^missing: code of other projects is refused/);
  });

  test('prefers users over nothing where the operator accepts less', () => {
    expect(planIsolation('prefer', container)).toMatchObject({ level: 'user', hasOwnUsers: true, refusal: undefined });
    expect(planIsolation('prefer', bare)).toMatchObject({ level: 'none', hasOwnUsers: false, refusal: undefined });
  });

  test('isolates nothing with the mode "none"', () => {
    expect(planIsolation('none', root)).toMatchObject({ level: 'none', hasOwnUsers: false, refusal: undefined });
  });

  test('is one line in every combination, and never calls a missing isolation "namespaces"', () => {
    for (const mode of ISOLATION_MODES) {
      for (const abilities of [root, user, container, bare]) {
        const { level, summary } = planIsolation(mode, abilities);
        expect(summary).not.toContain('\n');
        expect(summary.startsWith('namespaces:')).toBe(level === 'namespaces');
      }
    }
  });
});
