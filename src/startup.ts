/**
 * How long the extension takes to start, apart from what VS Code does around it: the bench looks at it. To be imported
 * before everything else, so that all of the bundle's loading is measured but for reading and parsing it.
 */

/** A moment, and how much this thread has computed until then: other programs do not count there. Milliseconds. */
export interface Moment {
  readonly clock: number;
  readonly cpu: number;
}

export const now = (): Moment => ({ clock: performance.now(), cpu: threadTime() });

export const between = (one: Moment, other: Moment): Moment => ({
  clock: other.clock - one.clock,
  cpu: other.cpu - one.cpu,
});

/** When the bundle began to run. */
export const began = now();

/** On the clock where Node cannot tell (before 22.19 and 23.9). */
function threadTime(): number {
  const { threadCpuUsage } = process as { threadCpuUsage?: () => { user: number; system: number } };
  if (threadCpuUsage === undefined) return performance.now();
  const { user, system } = threadCpuUsage.call(process);
  return (user + system) / 1000;
}
