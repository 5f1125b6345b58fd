/** Completion for bash, without the package bash-completion. */
import { optionWords, PROGRAM_OPTIONS, quoted, spellings, type VerbWords, verbWords } from './words';

export function bashScript(): string {
  const verbs = verbWords();
  const program = Object.entries(PROGRAM_OPTIONS).map(
    ([name, option]) => `--${optionWords(name, option).name}`,
  );
  return `# bash completion for qcow2; made by "qcow2 completion bash".
_qcow2() {
  local verb=\${COMP_WORDS[1]} word=\${COMP_WORDS[COMP_CWORD]} option=\${COMP_WORDS[COMP_CWORD-1]} options= values=
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W ${quoted([...verbs.map(({ name }) => name), ...program].join(' '))} -- "$word"))
    return
  fi
  # bash takes --output=json for three words.
  if [[ $word == '=' ]]; then word=
  elif [[ $option == '=' ]]; then option=\${COMP_WORDS[COMP_CWORD-2]}
  fi
  case "$verb $option" in
${verbs.flatMap(valueCases).join('\n')}
  esac
  if [[ -n $values ]]; then
    COMPREPLY=($(compgen -W "$values" -- "$word"))
    return
  fi
  case "$verb" in
${verbs.map(verbCase).join('\n')}
  esac
  if [[ $word == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$word"))
    if [[ \${COMPREPLY[0]} == *= ]]; then compopt -o nospace; fi
  elif [[ -n $values ]]; then
    COMPREPLY=($(compgen -W "$values" -- "$word"))
  elif [[ -n $options ]]; then
    compopt -o default
  fi
}
complete -F _qcow2 qcow2
`;
}

/** What follows options that take a value; a value that is not one of some words is left to the user. */
function valueCases({ name, options }: VerbWords): readonly string[] {
  return options
    .filter(({ takesValue }) => takesValue)
    .map((option) => {
      const patterns = spellings(option).map((spelling) => `'${name} ${spelling}'`);
      const action = option.values.length === 0 ? 'return' : `values=${quoted(option.values.join(' '))}`;
      return `    ${patterns.join('|')}) ${action} ;;`;
    });
}

function verbCase({ name, options, operands }: VerbWords): string {
  const words = options.flatMap((option) =>
    spellings(option).map((word) => (option.takesValue && word.startsWith('--') ? `${word}=` : word)),
  );
  const values = operands.flatMap((operand) => operand.values);
  const also = values.length === 0 ? '' : ` values=${quoted(values.join(' '))}`;
  return `    ${name}) options=${quoted(words.join(' '))}${also} ;;`;
}
