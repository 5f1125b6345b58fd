import type { ImageState, Problem } from './api';

/** The state of a file of which nothing is known but what went wrong. */
export function unknownState(path: string, generation: number, problem: Problem): ImageState {
  return { path, fileSize: 0, allocatedBytes: 0, generation, problem, warnings: [] };
}
