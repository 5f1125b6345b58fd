import { describe, expect, it } from 'vitest';
import { Latest } from '../../../../webview/host/latest';

/** Questions are numbers; each is answered when the test says so. */
function setUp(): {
  latest: Latest<number, string>;
  asked: number[];
  delivered: string[];
  answer: () => Promise<void>;
} {
  const asked: number[] = [];
  const delivered: string[] = [];
  const waiting: (() => void)[] = [];
  const latest = new Latest<number, string>(
    (question) => {
      asked.push(question);
      return new Promise((resolve) => {
        waiting.push(() => {
          resolve(`answer ${question}`);
        });
      });
    },
    (text) => delivered.push(text),
  );
  const answer = async (): Promise<void> => {
    waiting.shift()?.();
    await new Promise((resolve) => setTimeout(resolve, 0));
  };
  return { latest, asked, delivered, answer };
}

describe('Latest', () => {
  it('asks one question at a time and then only the newest', async () => {
    const { latest, asked, delivered, answer } = setUp();
    for (let question = 1; question <= 9; question++) latest.want(question);
    expect(asked).toEqual([1]);
    await answer();
    expect(asked).toEqual([1, 9]);
    await answer();
    expect(delivered).toEqual(['answer 9']);
  });

  it('drops what was cancelled', async () => {
    const { latest, asked, delivered, answer } = setUp();
    latest.want(1);
    latest.cancel();
    await answer();
    expect(asked).toEqual([1]);
    expect(delivered).toEqual([]);
    latest.want(2);
    await answer();
    expect(delivered).toEqual(['answer 2']);
  });
});
