/** The check over the whole matrix of images gives QEMU's numbers. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isSound } from '../../../src/qcow2/check/checkReport';
import { checkFile, numbersOf, qemuCheck } from '../../support/checkJudge';
import { CHAINS } from '../../support/matrix/chains';
import { Kitchen, type Recipe } from '../../support/matrix/recipe';
import { SINGLE_IMAGES } from '../../support/matrix/singleImages';
import { qemuImg } from '../../support/qemu';
import { type Workspace, workspace } from '../../support/workspace';

const optionsOf = ({ secret, image = 'disk.qcow2' }: Recipe): string[] =>
  secret === undefined
    ? [image]
    : [
        '--object',
        `secret,id=key,data=${secret}`,
        '--image-opts',
        `driver=qcow2,file.filename=${image},encrypt.key-secret=key`,
      ];

describe.each([...SINGLE_IMAGES, ...CHAINS])('$name', (recipe) => {
  let place: Workspace;
  beforeAll(() => {
    place = workspace();
    recipe.make(new Kitchen(place.folder));
  });
  afterAll(() => {
    place.remove();
  });

  test('gets the numbers that qemu-img check has', () => {
    const judge = qemuCheck(optionsOf(recipe), place.folder);
    const path = place.path(recipe.image ?? 'disk.qcow2');
    if (judge.status === 63) {
      // Not a qcow2 image at all.
      expect(qemuImg(['info', '--output=json', path]).stdout.toString()).not.toContain('"format": "qcow2"');
      return;
    }
    const report = checkFile(path);
    expect(numbersOf(report), judge.stderr).toStrictEqual(judge.numbers);
    expect(isSound(report)).toBe(judge.status === 0 || judge.status === 3);
    const { corruptions, leaks, checkErrors } = report;
    expect(report.findings.length > 0).toBe(corruptions + leaks + checkErrors > 0);
  });
});
