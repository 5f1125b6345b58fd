/** One mutated image through everything that reads, changes and repairs images (test/fuzz). */
import * as fs from 'node:fs';
import { makeCase, runCase } from '../../fuzz/cases';
import type { CasePlace, Counts } from '../kind';

/** Milliseconds of processor time that one case may take. */
const TIME_LIMIT = 2000;
/** A busy machine makes processor time longer, too: a case that took too long is timed again, and the least time counts. */
const ATTEMPTS = 3;

export function fuzz(seed: number, { folder, tell }: CasePlace): Counts {
  const made = makeCase(seed);
  const { seedName, bytes, isFile } = made;
  if (tell !== undefined) {
    const kept = `${folder}/fuzzed.qcow2`;
    fs.writeFileSync(kept, bytes);
    tell(
      `from "${seedName}", ${bytes.length} bytes, read ${isFile ? 'as a file' : 'in memory'}; see ${kept}`,
    );
  }
  let least = Infinity;
  let operations = 0;
  for (let attempt = 0; attempt < ATTEMPTS && least > TIME_LIMIT; attempt++) {
    operations = 0;
    const started = process.cpuUsage();
    runCase(made, folder, (question, answer) => {
      operations++;
      tell?.(`${question}: ${answer}`);
    });
    const { user, system } = process.cpuUsage(started);
    least = Math.min(least, (user + system) / 1000);
  }
  if (least > TIME_LIMIT)
    throw new Error(`from "${seedName}": took ${Math.round(least)} ms, limit ${TIME_LIMIT}`);
  return { images: 1, operations };
}
