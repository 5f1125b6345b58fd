/**
 * Registers the elements of VS Code's webview toolkit. This is the only file that imports the toolkit, which is no
 * longer developed; its single-file build is the one that bundles at a reasonable size.
 */
import { VSCodeDesignSystem } from '@vscode/webview-ui-toolkit/dist/toolkit.min.js';

/** Touches the design system, so that the bundler keeps the import whose effect is the registration. */
export function registerToolkit(): void {
  VSCodeDesignSystem.register();
}
