/** The four kinds of colour themes, each with one that VS Code ships, and the classes that pages get. */

export type ThemeKind = 'light' | 'dark' | 'hcDark' | 'hcLight';

export const THEME_KINDS: readonly ThemeKind[] = ['light', 'dark', 'hcDark', 'hcLight'];

/** Values of the setting `workbench.colorTheme`. */
export const THEME_NAMES: Readonly<Record<ThemeKind, string>> = {
  light: 'Light Modern',
  dark: 'Dark Modern',
  hcDark: 'Default High Contrast',
  hcLight: 'Default High Contrast Light',
};

/** Class of the workbench. */
export const WORKBENCH_CLASSES: Readonly<Record<ThemeKind, string>> = {
  light: 'vs',
  dark: 'vs-dark',
  hcDark: 'hc-black',
  hcLight: 'hc-light',
};

/** Attribute `data-vscode-theme-kind` of a webview's body. */
export const WEBVIEW_KINDS: Readonly<Record<ThemeKind, string>> = {
  light: 'vscode-light',
  dark: 'vscode-dark',
  hcDark: 'vscode-high-contrast',
  hcLight: 'vscode-high-contrast-light',
};
