/** What the guards answer, as data: the page shows it, too. */

/** What stands in the way of changing the image. */
export interface GuardReport {
  /** Nothing can be changed as long as there is one. */
  readonly refusals: readonly string[];
  /** To be answered with yes first; the answer holds until the image is read again. */
  readonly questions: readonly GuardQuestion[];
}

export interface GuardQuestion {
  readonly id: string;
  readonly text: string;
}
