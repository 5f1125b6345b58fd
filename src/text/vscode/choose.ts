/** Lists to choose from, and questions that are answered with text; what is shown goes through `plain` (tell.ts). */
import * as vscode from 'vscode';
import { plain } from '../plain';

export interface Choice<T> {
  readonly label: string;
  readonly description?: string;
  readonly detail?: string;
  /** Name of one of VS Code's icons. */
  readonly icon?: string;
  /** What is answered with, as it is: never take it from the label. */
  readonly value: T;
}

export interface ChooseOptions {
  readonly title: string;
  readonly placeHolder?: string;
  /** The dialog before it gives the focus back late, or a page takes it again: either would close the list. */
  readonly ignoreFocusOut?: boolean;
}

/** A line between choices. */
export const SEPARATOR = 'separator';

/** Answers with the value of the choice; undefined where there was none. Typing looks for all that is shown. */
export async function choose<T>(
  choices: readonly (Choice<T> | typeof SEPARATOR)[],
  { title, placeHolder, ignoreFocusOut = false }: ChooseOptions,
): Promise<T | undefined> {
  const chosen = await vscode.window.showQuickPick(choices.map(itemOf), {
    title: plain(title),
    ...(placeHolder === undefined ? {} : { placeHolder: plain(placeHolder) }),
    ignoreFocusOut,
    matchOnDescription: true,
    matchOnDetail: true,
  });
  return chosen?.choice?.value;
}

interface Item<T> extends vscode.QuickPickItem {
  readonly choice?: Choice<T>;
}

function itemOf<T>(choice: Choice<T> | typeof SEPARATOR): Item<T> {
  if (choice === SEPARATOR) return { label: '', kind: vscode.QuickPickItemKind.Separator };
  const { label, description, detail, icon } = choice;
  return {
    label: plain(label),
    ...(description === undefined ? {} : { description: plain(description) }),
    ...(detail === undefined ? {} : { detail: plain(detail) }),
    ...(icon === undefined ? {} : { iconPath: new vscode.ThemeIcon(icon) }),
    choice,
  };
}

export interface TextQuestion {
  readonly title: string;
  readonly prompt: string;
  readonly placeHolder?: string;
  /** What stands in the field at first, as it is. */
  readonly value?: string;
  /** What is wrong with a text; undefined where nothing is. */
  readonly validate?: (text: string) => string | undefined;
}

/** Asks for a line of text. Answers with what was typed; undefined where the question was closed. */
export function askForText({
  title,
  prompt,
  placeHolder,
  value,
  validate,
}: TextQuestion): Thenable<string | undefined> {
  return vscode.window.showInputBox({
    title: plain(title),
    prompt: plain(prompt),
    ...(placeHolder === undefined ? {} : { placeHolder: plain(placeHolder) }),
    ...(value === undefined ? {} : { value }),
    ...(validate === undefined
      ? {}
      : {
          validateInput: (text) => {
            const wrong = validate(text);
            return wrong === undefined ? undefined : plain(wrong);
          },
        }),
  });
}
