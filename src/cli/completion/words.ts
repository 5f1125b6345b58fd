/** What the scripts of all shells complete. */
import {
  HELP_OPTION,
  isChoice,
  type Operand,
  type Option,
  optionsOf,
  isValue,
  takesValue,
  type VerbDeclaration,
} from '../declaration';
import { DECLARATIONS, VERB_NAMES, type VerbName } from '../declarations';

export interface VerbWords {
  readonly name: VerbName;
  readonly summary: string;
  readonly options: readonly OptionWords[];
  readonly operands: readonly OperandWords[];
}

export interface OptionWords {
  /** Without its hyphens. */
  readonly name: string;
  readonly short: string | undefined;
  readonly description: string;
  readonly takesValue: boolean;
  /** All values that it can have; none are known of a number or a text. */
  readonly values: readonly string[];
}

export interface OperandWords {
  readonly name: string;
  readonly isPath: boolean;
  readonly isOptional: boolean;
  readonly values: readonly string[];
}

export function verbWords(): readonly VerbWords[] {
  return VERB_NAMES.map((name) => {
    const declared: VerbDeclaration = DECLARATIONS[name];
    const options = Object.entries({ ...optionsOf(declared), ...HELP_OPTION });
    return {
      name,
      summary: declared.summary,
      options: options.map(([option, each]) => optionWords(option, each)),
      operands: Object.entries(declared.operands).map(([operand, each]) => operandWords(operand, each)),
    };
  });
}

export const optionWords = (name: string, option: Option): OptionWords => ({
  name,
  short: option.short,
  // Without the full stop, as shells show descriptions.
  description: option.description.replace(/\.$/, ''),
  takesValue: takesValue(option) && !(isValue(option) && option.isValueOptional === true),
  values: isChoice(option) ? option.choices : [],
});

const operandWords = (name: string, { kind, choices = [], isOptional }: Operand): OperandWords => ({
  name,
  isPath: kind === 'path',
  isOptional: isOptional === true,
  values: kind === 'verb' ? VERB_NAMES : choices,
});

/** The spellings of an option: `--repair`, `-r`. */
export const spellings = ({ name, short }: OptionWords): readonly string[] =>
  short === undefined ? [`--${name}`] : [`--${name}`, `-${short}`];

/** For single quotes. */
export const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;
