/** The verbs that change nothing, whatever their arguments are. */
import { cat } from './cat';
import type { Verbs } from './command';
import { completion } from './completion';
import { cp } from './cp';
import { df } from './df';
import { help } from './help';
import { info } from './info';
import { ls } from './ls';
import { map } from './map';
import { read } from './read';
import { space } from './space';

export const READING_VERBS = {
  info,
  map,
  space,
  read,
  ls,
  cat,
  cp,
  df,
  help,
  completion,
} as const satisfies Partial<Verbs>;
