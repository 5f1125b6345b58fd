/** Programs that tests run say the same as they do to a person. */
import { describe, expect, it } from 'vitest';
import { run } from '../../support/process';

const sh = (script: string, options = {}): ReturnType<typeof run> => run('sh', ['-c', script], options);

describe('a program', () => {
  it('has its exit code, and both of its outputs apart', () => {
    const { status, stdout, stderr } = sh('echo out; echo err >&2; exit 3');
    expect([status, String(stdout), stderr]).toEqual([3, 'out\n', 'err\n']);
  });

  it('may print more than pipes hold, to both', () => {
    const { stdout, stderr } = sh('head -c 1000000 /dev/zero; head -c 1000000 /dev/zero >&2');
    expect([stdout.length, stderr.length]).toEqual([1e6, 1e6]);
  });

  it('reads what it is given, and nothing where it is given nothing', () => {
    expect(run('cat', [], { input: 'some words' }).stdout.toString()).toBe('some words');
    expect(run('cat', []).stdout).toHaveLength(0);
  });

  it('runs in its folder and has its variables, and those of every program', () => {
    const { stdout } = sh('pwd; echo "$WORD $TZ"', { cwd: '/', env: { WORD: 'yes' } });
    expect(String(stdout)).toBe('/\nyes UTC\n');
  });

  it('is ended by a signal that Node ignores itself, as in a shell', () => {
    expect(sh('kill -PIPE $$').status).toBe(-1);
  });

  it('is killed after its time', () => {
    const started = performance.now();
    expect(sh('sleep 20', { timeout: 200 }).status).toBe(-1);
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  it('that does not exist is an error', () => {
    expect(() => run('no-such-program', [])).toThrow('ENOENT');
  });
});
