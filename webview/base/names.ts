/** Names from images and of files, as the page shows them. */
import { LONGEST_TEXT, shown } from '../../src/text/printable';

/** The name with what is hidden in it as escapes, cut in its middle where a hostile one would fill the page. */
export const safeName = (name: string): string => shown(name, LONGEST_TEXT);
