declare module '@vscode/webview-ui-toolkit/dist/toolkit.min.js' {
  /** Every element of the toolkit is registered when the module is evaluated. */
  export const VSCodeDesignSystem: { register(): unknown };
}

declare module '*.css' {
  const text: string;
  export default text;
}
