/** Globs as VS Code's settings have them: `**`, `*`, `?`, `[…]`, `{…,…}`, on paths with slashes relative to a folder. */

const IGNORES_CASE = process.platform === 'win32' || process.platform === 'darwin';

/**
 * Returns a test for whole paths. `folder/**` also matches the folder itself. An invalid glob matches nothing, as in VS Code.
 */
export function compileGlob(glob: string, ignoresCase = IGNORES_CASE): (path: string) => boolean {
  let expression: RegExp;
  try {
    expression = new RegExp(`^${translate(glob)}$`, ignoresCase ? 'is' : 's');
  } catch {
    return () => false;
  }
  return (path) => expression.test(path);
}

function translate(glob: string): string {
  let pattern = '';
  let depth = 0;
  for (let at = 0; at < glob.length; at++) {
    const rest = glob.slice(at);
    const isStart = at === 0 || '/{,'.includes(glob[at - 1] ?? '');
    const many = isStart ? /^(?:\*\*\/)+/.exec(rest) : null;
    const tail = /^\/\*\*(?=$|[,}])/.exec(rest);
    const set = /^\[([!^]?)(\]?[^\]]*)\]/.exec(rest);
    const character = glob[at] ?? '';
    if (many !== null) {
      pattern += '(?:[^/]+/)*';
      at += many[0].length - 1;
    } else if (tail !== null) {
      pattern += '(?:/.*)?';
      at += tail[0].length - 1;
    } else if (rest.startsWith('**')) {
      pattern += '.*';
      at++;
    } else if (set !== null) {
      const [whole, negation = '', members = ''] = set;
      pattern += `(?!/)[${negation === '' ? '' : '^'}${members.replace(/[\\\]^[]/g, '\\$&')}]`;
      at += whole.length - 1;
    } else if (character === '{') {
      pattern += '(?:';
      depth++;
    } else if (character === '}' && depth > 0) {
      pattern += ')';
      depth--;
    } else if (character === ',' && depth > 0) pattern += '|';
    else if (character === '*') pattern += '[^/]*';
    else if (character === '?') pattern += '[^/]';
    else pattern += character.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  }
  return pattern;
}
