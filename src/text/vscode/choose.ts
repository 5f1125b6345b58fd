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

/** The same, with what comes below it. */
export interface Heading {
  readonly heading: string;
}

/** Answers with the value of the choice; undefined where there was none. Typing looks for all that is shown. */
export async function choose<T>(
  choices: readonly (Choice<T> | Heading | typeof SEPARATOR)[],
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

function itemOf<T>(choice: Choice<T> | Heading | typeof SEPARATOR): Item<T> {
  const { Separator } = vscode.QuickPickItemKind;
  if (choice === SEPARATOR) return { label: '', kind: Separator };
  if ('heading' in choice) return { label: plain(choice.heading), kind: Separator };
  const { label, description, detail, icon } = choice;
  return {
    label: plain(label),
    ...(description === undefined ? {} : { description: plain(description) }),
    ...(detail === undefined ? {} : { detail: plain(detail) }),
    ...(icon === undefined ? {} : { iconPath: new vscode.ThemeIcon(icon) }),
    choice,
  };
}

export interface Search<T> extends ChooseOptions {
  /**
   * Looks for what was typed; what it finds is shown as it comes.
   * @param token the text is another one meanwhile, or the list is closed
   * @returns what is to be said of what was found, if anything
   */
  readonly find: (
    text: string,
    found: (choices: readonly Choice<T>[]) => void,
    token: vscode.CancellationToken,
  ) => Promise<string | undefined>;
  /** A second thing that can be done with a choice: the list stays. */
  readonly button: { readonly icon: string; readonly tooltip: string; readonly run: (value: T) => void };
}

/** Milliseconds without another key after which a search begins. */
const TYPED_AFTER = 200;

/** Lets the user search and choose. Answers with the value of the choice; undefined where there was none. */
export function chooseFound<T>({ title, placeHolder, find, button }: Search<T>): Promise<T | undefined> {
  const list = vscode.window.createQuickPick<FoundItem<T>>();
  list.title = plain(title);
  list.placeholder = placeHolder === undefined ? undefined : plain(placeHolder);
  const buttons = [{ iconPath: new vscode.ThemeIcon(button.icon), tooltip: plain(button.tooltip) }];
  let source = new vscode.CancellationTokenSource();
  let timer: NodeJS.Timeout | undefined;
  const search = async (text: string): Promise<void> => {
    const { token } = (source = new vscode.CancellationTokenSource());
    let items: FoundItem<T>[] = [];
    list.busy = true;
    const said = await find(
      text,
      (choices) => {
        if (token.isCancellationRequested) return;
        items = [...items, ...choices.map((choice) => ({ ...itemOf(choice), alwaysShow: true, buttons }))];
        list.items = items;
      },
      token,
    );
    if (token.isCancellationRequested) return;
    list.busy = false;
    if (said !== undefined) list.items = [...items, { label: plain(said), alwaysShow: true }];
  };
  list.onDidChangeValue((text) => {
    source.cancel();
    clearTimeout(timer);
    list.items = [];
    list.busy = false;
    if (text !== '') timer = setTimeout(() => void search(text), TYPED_AFTER);
  });
  list.onDidTriggerItemButton(({ item: { choice } }) => {
    if (choice !== undefined) button.run(choice.value);
  });
  return new Promise((resolve) => {
    list.onDidAccept(() => {
      const [chosen] = list.selectedItems;
      if (chosen?.choice === undefined) return;
      resolve(chosen.choice.value);
      list.hide();
    });
    list.onDidHide(() => {
      source.cancel();
      clearTimeout(timer);
      list.dispose();
      resolve(undefined);
    });
    list.show();
  });
}

type FoundItem<T> = Item<T> & { readonly buttons?: readonly vscode.QuickInputButton[] };

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
