/**
 * What the user of the walk wants to do, independent of the device. `mouseHands.ts` uses the mouse and types only what has
 * to be typed; `keyboardHands.ts` never uses the mouse. Neither asserts anything: the story does.
 */

/** Something in the page that can be pressed: the selector of one element. */
export type Pressable = string;

export type Tab = 'cluster' | 'header' | 'chain';

export interface Hands {
  /** Opens the sample of the extension, as after a fresh installation. */
  openSample(): Promise<void>;
  /** Opens a file of the workspace's folder by its name. */
  openFile(name: string): Promise<void>;
  /** Presses a button or link of the page. */
  press(what: Pressable): Promise<void>;
  showTab(tab: Tab): Promise<void>;
  /** Goes to a place of the disk: `0x136000`, `#310`. */
  goTo(place: string): Promise<void>;
  /** Selects guest clusters that are in sight, both ends included. */
  select(first: number, last: number): Promise<void>;
  /** Scrolls the bytes to the disk's last one. */
  scrollToLastByte(): Promise<void>;
  /** Follows the offset of the line of bytes that was scrolled to last to its place in the map. */
  followLastOffset(): Promise<void>;
  /** Asks what zeroing the selection would do. */
  askToZero(): Promise<void>;
  /** Confirms the dialog of a change. */
  applyChange(): Promise<void>;
  undo(): Promise<void>;
  redo(): Promise<void>;
  save(): Promise<void>;
  check(): Promise<void>;
  /** Shows the problems that the check has found, and follows the first with that link to its cluster. */
  followProblem(link: string): Promise<void>;
  /** Asks what a repair would do. */
  askToRepair(): Promise<void>;
  applyRepair(): Promise<void>;
  /** Shows the view of backing chains, and opens an image from it. */
  openFromTree(name: string): Promise<void>;
}
