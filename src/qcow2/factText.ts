/**
 * The words that problems carry as `what`: names of structures, and reasons. They are data until a problem is told:
 * problemText.ts puts them into its sentences, and the editor translates both. A reason may have places of its own,
 * for the `{value}` and `{limit}` of its problem.
 */

export const FACTS = [
  // Structures
  'header',
  'L1 table',
  'L1 entry',
  'L2 table',
  'L2 entry',
  'subcluster bitmap',
  'refcount',
  'refcount table',
  'refcount table entry',
  'refcount block',
  'snapshot table',
  'bitmap directory',
  'bitmap directory offset',
  'bitmap table',
  'bitmap data',
  'LUKS header',
  'encryption header offset',
  'encryption header length',
  'guest data',

  // Header extensions
  'end of extensions',
  'backing file format',
  'feature name table',
  'bitmaps',
  'full disk encryption header',
  'external data file name',
  'unknown',

  // Parts of a journal
  'head',
  'seal',
  'record',

  // What a file is instead
  'a directory',
  'a FIFO',
  'a socket',
  'a block device',
  'a character device',
  'a special file',
  'a symbolic link',

  // What is wrong with a bitmap directory, or with a bitmap in it
  'it is empty',
  'an entry crosses its end',
  'it has more bitmaps than the header extension says: {limit}',
  'it has {value} bitmaps, the header extension says {limit}',
  'bitmap_table_size is 0',
  'bitmap_table_size is {value}, more than {limit}',
  'bitmap_table_size is {value}, the disk needs {limit}',
  'bitmap_table_offset is 0',
  'bitmap_table_offset is not a multiple of the cluster size',
  'bitmap_table_offset is beyond 2^53',
  'granularity_bits is {value}, not {limit}',
  'reserved flags are set',
  'the name is empty',
  'the name is {value} bytes long, more than {limit}',
  'the type is {value}, not {limit}',
  'it takes {value} bytes, more than {limit}',
] as const;

export type Fact = (typeof FACTS)[number];

/** A field by its name in the specification, which is the same in every language. */
export type FieldName = `${string}_${string}` | 'magic' | 'version' | 'size';

const known: ReadonlySet<string> = new Set(FACTS);

export const isFact = (text: string): text is Fact => known.has(text);
