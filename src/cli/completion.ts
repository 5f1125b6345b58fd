/** `qcow2 completion`: scripts for shells, made from what the verbs declare. */
import { bashScript } from './completion/bash';
import { fishScript } from './completion/fish';
import { zshScript } from './completion/zsh';
import type { Run } from './verb';

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript };

export const completion: Run<'completion'> = ({ operands, output }) => {
  output.write(Buffer.from(SCRIPTS[operands.SHELL]()));
  return undefined;
};
