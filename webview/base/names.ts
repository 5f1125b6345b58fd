/** File names and names from images, made safe to show. */
import { LONGEST_TEXT, shown } from '../../src/text/printable';

/** Shows hidden characters as escapes and cuts overlong names in the middle. */
export const safeName = (name: string): string => shown(name, LONGEST_TEXT);
