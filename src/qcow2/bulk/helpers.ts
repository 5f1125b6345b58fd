/** Other threads that work on a `JobQueue`: the engine asks for them, and the program that runs it knows how to start them. */

/** Starts helpers that work until the queue is closed; none, where there can be none. @param memory of a `JobQueue` */
export type StartHelpers = (memory: SharedArrayBuffer) => void;

let starter: StartHelpers = () => undefined;

/** Says how helpers are started; before that, there are none. */
export function useHelpers(start: StartHelpers): void {
  starter = start;
}

export const startHelpers: StartHelpers = (memory) => {
  starter(memory);
};
