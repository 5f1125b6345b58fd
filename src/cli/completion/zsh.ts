/** Completion for zsh, through its `_arguments`. */
import {
  optionWords,
  PROGRAM_OPTIONS,
  quoted,
  type OperandWords,
  type OptionWords,
  verbWords,
} from './words';

export function zshScript(): string {
  const verbs = verbWords();
  const listed = verbs.map(({ name, summary }) => `    ${quoted(`${name}:${summary}`)}`);
  const program = Object.entries(PROGRAM_OPTIONS).map(([name, option]) =>
    optionSpec(optionWords(name, option)),
  );
  const cases = verbs.map(({ name, options, operands }) => {
    const specs = [...options.map(optionSpec), ...operands.map(operandSpec)];
    return `    ${name})\n      _arguments -S ${specs.join(' \\\n        ')} ;;`;
  });
  return `#compdef qcow2
# zsh completion for qcow2; made by "qcow2 completion zsh".
_qcow2() {
  local -a verbs
  verbs=(
${listed.join('\n')}
  )
  if ((CURRENT == 2)); then
    _describe verb verbs
    _arguments ${program.join(' ')}
    return
  fi
  shift words
  ((CURRENT--))
  case $words[1] in
${cases.join('\n')}
  esac
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  _qcow2 "$@"
else
  compdef _qcow2 qcow2
fi
`;
}

function optionSpec({ name, short, description, takesValue, values }: OptionWords): string {
  const text = `[${description.replace(/[\\[\]:]/g, String.raw`\$&`)}]`;
  const value = takesValue ? `:${name}:${values.length === 0 ? '' : `(${values.join(' ')})`}` : '';
  const long = takesValue ? `--${name}=` : `--${name}`;
  if (short === undefined) return quoted(`${long}${text}${value}`);
  const letter = takesValue ? `-${short}+` : `-${short}`;
  const others = quoted(`(--${name} -${short})`);
  return `${others}{${long},${letter}}${quoted(`${text}${value}`)}`;
}

function operandSpec({ name, isPath, isOptional, values }: OperandWords, index: number): string {
  const action = isPath ? '_files' : values.length > 0 ? `(${values.join(' ')})` : ' ';
  return quoted(`${index + 1}:${isOptional ? ':' : ''}${name}:${action}`);
}
