/**
 * Registers the elements of VS Code's webview toolkit. The only file that knows where they come from: the toolkit is
 * no longer developed, and its single-file build is the one that survives bundling at a reasonable size.
 */
import { VSCodeDesignSystem } from '@vscode/webview-ui-toolkit/dist/toolkit.min.js';

/** Touches the design system, so that the bundler keeps the import whose effect is the registration. */
export function registerToolkit(): void {
  VSCodeDesignSystem.register();
}
