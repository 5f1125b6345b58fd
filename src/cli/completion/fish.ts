/** Completion for fish. */
import { optionWords, PROGRAM_OPTIONS, quoted, type OptionWords, type VerbWords, verbWords } from './words';

export function fishScript(): string {
  const verbs = verbWords();
  const lines = [
    '# fish completion for qcow2; made by "qcow2 completion fish".',
    // The second word, and no other: a file may have the name of a verb.
    'function __qcow2_verb_is',
    '    set -l words (commandline -opc)',
    '    test (count $words) -gt 1; and test $words[2] = $argv[1]',
    'end',
    'complete -c qcow2 -f',
    ...Object.entries(PROGRAM_OPTIONS).map(([name, option]) =>
      optionLine('__fish_use_subcommand', optionWords(name, option)),
    ),
    ...verbs.map(
      ({ name, summary }) => `complete -c qcow2 -n __fish_use_subcommand -a ${name} -d ${quoted(summary)}`,
    ),
    ...verbs.flatMap(verbLines),
  ];
  return `${lines.join('\n')}\n`;
}

function verbLines({ name, options, operands }: VerbWords): readonly string[] {
  const condition = quoted(`__qcow2_verb_is ${name}`);
  const values = operands.flatMap((operand) => operand.values);
  return [
    ...options.map((option) => optionLine(condition, option)),
    ...(operands.some(({ isPath }) => isPath) ? [`complete -c qcow2 -n ${condition} -F`] : []),
    ...(values.length === 0 ? [] : [`complete -c qcow2 -n ${condition} -a ${quoted(values.join(' '))}`]),
  ];
}

function optionLine(
  condition: string,
  { name, short, description, takesValue, values }: OptionWords,
): string {
  const letter = short === undefined ? '' : ` -s ${short}`;
  const value = takesValue ? ' -x' : '';
  const among = values.length === 0 ? '' : ` -a ${quoted(values.join(' '))}`;
  return `complete -c qcow2 -n ${condition} -l ${name}${letter}${value}${among} -d ${quoted(description)}`;
}
