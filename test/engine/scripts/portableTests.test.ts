/** Which tests run on every platform. */
import { describe, expect, it } from 'vitest';
import { portableTests } from '../../../scripts/lib/portableTests.mjs';

describe('the tests for every platform', () => {
  const [linux, mac, windows] = (['linux', 'darwin', 'win32'] as const).map(portableTests);

  it('start no programs', () => {
    expect(linux).toContain('test/engine/format/header.test.ts');
    expect(linux).not.toContain('test/engine/matrix.test.ts');
    expect(linux).not.toContain('test/engine/save/localDisk.test.ts');
  });

  it('leave out on Windows what needs paths as on POSIX systems', () => {
    expect(mac).toContain('test/engine/chain/names.test.ts');
    expect(windows).not.toContain('test/engine/chain/names.test.ts');
    expect(windows!.length).toBeGreaterThan(35);
  });
});
