/** Random images for property tests: any mix of features that the format allows, built by the builder. */
import fc from 'fast-check';
import { fill, image, type ImageBuilder, type ImageOptions, noise, text } from './imageBuilder';

type Step =
  | ({ readonly do: 'data' | 'compressed' | 'zeroPlain' | 'zeroAllocated' | 'unallocated' } & Stretch)
  | ({ readonly do: 'subclusters'; readonly map: string; readonly allocated: boolean } & Stretch)
  | { readonly do: 'snapshot' };

interface Stretch {
  /** Where on the disk, as a share of its clusters. */
  readonly at: number;
  readonly count: number;
  readonly style: 'noise' | 'text' | 'fill';
  readonly seed: number;
}

/** An image as data, so that a failure shows what it was and shrinks. */
export interface ImagePlan {
  readonly options: ImageOptions & { readonly size: number; readonly clusterBits: number };
  readonly steps: readonly Step[];
}

const stretch = {
  at: fc.double({ min: 0, max: 0.999, noNaN: true }),
  count: fc.integer({ min: 1, max: 12 }),
  style: fc.constantFrom('noise' as const, 'text' as const, 'fill' as const),
  seed: fc.nat(255),
};

const simpleStep = fc.record({
  do: fc.constantFrom('data' as const, 'compressed' as const, 'unallocated' as const),
  ...stretch,
});
const zeroStep = fc.record({
  do: fc.constantFrom('zeroPlain' as const, 'zeroAllocated' as const),
  ...stretch,
});
const subclusterStep = fc.record({
  do: fc.constant('subclusters' as const),
  ...stretch,
  map: fc.string({ unit: fc.constantFrom('D', 'Z', '.'), minLength: 1, maxLength: 32 }),
  allocated: fc.boolean(),
});
const snapshotStep = fc.constant({ do: 'snapshot' as const });

/** A plan for a single image of at most a few MiB; it has no backing file of its own accord. */
export const imagePlan: fc.Arbitrary<ImagePlan> = fc
  .record({ version: fc.constantFrom(2 as const, 3 as const, 3 as const), extendedL2: fc.boolean() })
  .chain(({ version, extendedL2 }) => {
    const isExtended = version === 3 && extendedL2;
    const steps = [simpleStep, ...(version === 3 ? [zeroStep] : []), ...(isExtended ? [subclusterStep] : [])];
    return fc.record({
      options: fc.record({
        version: fc.constant(version),
        extendedL2: fc.constant(isExtended),
        clusterBits: fc.integer({ min: isExtended ? 14 : 9, max: isExtended ? 16 : 13 }),
        // Widths below 4 bits have no room for the references of several snapshots.
        refcountOrder: version === 3 ? fc.integer({ min: 2, max: 6 }) : fc.constant(4),
        size: fc.integer({ min: 1, max: 2000 }).map((sectors) => sectors * 512),
        compression: fc.constantFrom('deflate' as const, ...(version === 3 ? ['zstd' as const] : [])),
        packsCompressed: fc.boolean(),
        order: fc.oneof(fc.constant('sequential' as const), fc.record({ shuffledBy: fc.nat() })),
      }),
      steps: fc
        .array(
          fc.oneof(...steps.map((arbitrary) => ({ arbitrary, weight: 8 })), {
            arbitrary: snapshotStep,
            weight: 1,
          }),
          {
            maxLength: 24,
          },
        )
        .map((list) =>
          list.filter((step, index) => step.do !== 'snapshot' || snapshotsBefore(list, index) < 3),
        ),
    });
  });

const snapshotsBefore = (steps: readonly Step[], end: number): number =>
  steps.slice(0, end).filter((step) => step.do === 'snapshot').length;

/** The builder that follows a plan. */
export function buildPlan({ options, steps }: ImagePlan, more: ImageOptions = {}): ImageBuilder {
  const builder = image({ ...options, ...more });
  const clusters = Math.ceil(builder.size / builder.clusterSize);
  for (const step of steps) follow(builder, step, clusters);
  return builder;
}

function follow(builder: ImageBuilder, step: Step, clusters: number): void {
  if (step.do === 'snapshot') {
    builder.snapshot('taken');
    return;
  }
  const first = Math.floor(step.at * clusters);
  const count = Math.min(step.count, clusters - first);
  const content = { noise, text, fill }[step.style](step.seed);
  switch (step.do) {
    case 'data':
    case 'compressed':
    case 'zeroAllocated':
      builder[step.do](first, count, content);
      break;
    case 'zeroPlain':
    case 'unallocated':
      builder[step.do](first, count);
      break;
    case 'subclusters':
      builder.subclusters(first, step.map, {
        allocated: step.allocated || step.map.includes('D'),
        content,
      });
  }
}
