/** The header's fields before any of them is believed: for those who check them. */
import { FormatError, UnsupportedError, type ProblemFacts } from '../errors';
import type { BlockFile } from '../io/blockFile';
import type { ProblemCode } from '../problemText';
import { dataView, safeNumber } from './bytes';
import { headerField, readHeaderField, type HeaderFieldName } from './headerFields';

export class RawHeader {
  readonly #view: DataView;

  constructor(
    readonly file: BlockFile,
    bytes: Uint8Array,
  ) {
    this.#view = dataView(bytes);
  }

  wide(name: HeaderFieldName): bigint {
    return readHeaderField(this.#view, name);
  }

  /** Only for fields of at most 32 bits. */
  number(name: HeaderFieldName): number {
    return Number(this.wide(name));
  }

  /** @throws FormatError `value.tooLarge` */
  safe(name: HeaderFieldName): number {
    return safeNumber(this.file.name, this.wide(name), name, headerField(name).offset);
  }

  broken(code: ProblemCode, name: HeaderFieldName, facts: ProblemFacts = {}): FormatError {
    return new FormatError(this.file.name, code, { offset: headerField(name).offset, what: name, ...facts });
  }

  unsupported(code: ProblemCode, name: HeaderFieldName, facts: ProblemFacts = {}): UnsupportedError {
    const { offset } = headerField(name);
    return new UnsupportedError(this.file.name, code, { offset, what: name, ...facts });
  }
}
