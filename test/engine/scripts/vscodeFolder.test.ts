/** The configurations of .vscode/ refer to tasks, npm scripts and files that exist. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../../../scripts/lib/paths.mjs';

interface Task {
  readonly label: string;
  readonly type?: string;
  readonly script?: string;
  readonly args?: readonly string[];
  readonly dependsOn?: readonly string[];
  readonly problemMatcher: string | readonly string[] | { readonly pattern: readonly Pattern[] };
}
interface Pattern {
  readonly regexp: string;
}
interface Launch {
  readonly name: string;
  readonly program?: string;
  readonly preLaunchTask?: string;
  readonly args: string | readonly string[];
}

const read = (file: string): unknown => JSON.parse(fs.readFileSync(path.join(ROOT, file), 'utf8'));
const { tasks } = read('.vscode/tasks.json') as { tasks: Task[] };
const { configurations, inputs } = read('.vscode/launch.json') as {
  configurations: Launch[];
  inputs: { id: string }[];
};
const { scripts } = read('package.json') as { scripts: Record<string, string> };
const labels = tasks.map(({ label }) => label);

describe('tasks', () => {
  it('name npm scripts, programs and tasks that exist', () => {
    const named = tasks.flatMap(({ type, script }) => (type === 'npm' ? [script] : []));
    expect(named.filter((script) => scripts[script ?? ''] === undefined)).toEqual([]);
    const programs = tasks.flatMap(({ type, args }) => (type === 'process' ? [args?.[0] ?? ''] : []));
    expect(programs.filter((file) => !fs.existsSync(path.join(ROOT, file)))).toEqual([]);
    const waitedFor = tasks.flatMap(({ dependsOn }) => dependsOn ?? []);
    expect(waitedFor.filter((label) => !labels.includes(label))).toEqual([]);
  });

  it('find the place of an error in what esbuild prints', () => {
    const printed = ['✘ [ERROR] Could not resolve "./nothing"', '', '    src/bad.ts:1:14:'];
    const matchers = tasks.flatMap(({ problemMatcher }) =>
      typeof problemMatcher === 'object' && 'pattern' in problemMatcher ? [problemMatcher.pattern] : [],
    );
    expect(matchers).toHaveLength(1);
    for (const matcher of matchers) {
      const found = matcher.map(({ regexp }, line) => new RegExp(regexp).exec(printed[line] ?? ''));
      expect(found[0]?.slice(1)).toEqual(['ERROR', 'Could not resolve "./nothing"']);
      expect(found[2]?.slice(1)).toEqual(['src/bad.ts', '1', '14']);
    }
  });
});

describe('launch configurations', () => {
  it('name tasks and inputs that exist', () => {
    const started = configurations.flatMap(({ preLaunchTask }) => preLaunchTask ?? []);
    expect(started.filter((label) => !labels.includes(label))).toEqual([]);
    const text = JSON.stringify(configurations);
    const asked = [...text.matchAll(/\$\{input:(\w+)\}/g)].map(([, id]) => id);
    expect(asked.sort()).toEqual(inputs.map(({ id }) => id).sort());
  });

  it('start with the extension on the samples, which is what F5 runs', () => {
    expect(configurations[0]).toMatchObject({ type: 'extensionHost', debugWebviews: true });
    expect(configurations[0]!.args).toContain('${workspaceFolder}/samples');
  });
});
