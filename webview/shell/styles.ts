/**
 * The page's styles, as a constructed style sheet: the page's policy allows what a script builds, and nothing inline.
 * The swatches' classes come from the kinds, so that their colours cannot drift apart from the map's.
 */
import { CONTENT_KINDS, FILE_KINDS, GUEST_KINDS, type KindSet, type Lines } from '../map/kinds';
import base from '../styles/base.css';
import change from '../styles/change.css';
import repair from '../styles/repair.css';
import tables from '../styles/tables.css';
import hex from '../styles/hex.css';
import layout from '../styles/layout.css';
import map from '../styles/map.css';
import panels from '../styles/panels.css';

export function addStyles(): void {
  const swatches = [...swatchesOf(GUEST_KINDS), ...swatchesOf(FILE_KINDS), ...swatchesOf(CONTENT_KINDS)];
  const sheet = new CSSStyleSheet();
  sheet.replaceSync([base, layout, map, hex, panels, tables, change, repair, ...swatches].join('\n'));
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
}

const swatchesOf = (set: KindSet): string[] =>
  set.kinds.map((kind) => {
    const [colour, lines] = [`var(${set.variable(kind)})`, set.lines(kind)];
    return `.swatch-${kind} { background: ${lines === undefined ? colour : linesOf(colour, lines)}; }`;
  });

/** Pixels of a line in swatches and bars. */
const THICKNESS = 1.5;

const linesOf = (colour: string, { variable, every }: Lines): string => {
  const [start, end] = [`${THICKNESS * (every - 1)}px`, `${THICKNESS * every}px`];
  return `repeating-linear-gradient(${colour} 0 ${start}, var(${variable}) ${start} ${end})`;
};
