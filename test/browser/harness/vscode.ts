/**
 * A VS Code with the packaged extension installed, for one test file: a server and a browser. Windows are opened on
 * folders; workspace state and hot exit are kept in the browser from one window to the next.
 *
 *     const vscode = await VSCode.start();
 *     const window = await vscode.openWindow(folder);
 *     await window.openFile(path.join(folder, 'disk.qcow2'));
 *     const page = await window.webview();
 */
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import * as path from 'node:path';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { inject } from 'vitest';
import { CHROMIUM_ARGS, findChromium } from '../../../scripts/lib/chromium.mjs';
import { provisionServer, type Server, startServer } from '../../../scripts/lib/vscodeServer.mjs';
import { THEME_NAMES, type ThemeKind } from './themes';
import { until } from './until';
import { Window } from './window';

/** In CSS pixels. */
interface Size {
  readonly width: number;
  readonly height: number;
}

type Settings = Readonly<Record<string, unknown>>;

export interface VSCodeOptions {
  /** Over the quiet defaults of scripts/lib/vscodeServer.mjs. */
  readonly settings?: Settings;
  /** Starts in Restricted Mode: folders are untrusted until a test trusts them. Default: everything is trusted. */
  readonly requiresTrust?: boolean;
  /** CSS pixels of the windows; default 1200 × 800. */
  readonly viewport?: Size;
  /** The folder of the installed extensions; default: nothing but the packaged one. */
  readonly extensions?: string;
  /** Of the extension; VS Code's own texts, for which there is no language pack, stay English. */
  readonly language?: string;
}

export const EXTENSION_ID = 'qcow2-editor.qcow2-editor';

/** The one that the test files of this process use one after the other. */
let shared: Promise<VSCode> | undefined;

export class VSCode {
  readonly #folder: string;
  readonly #server: Server;
  readonly #browser: Browser;
  readonly #context: BrowserContext;
  readonly #viewport: Size;
  readonly #settings: Settings;
  /** Where a window was before: the next one loads faster in it. */
  #emptyPage: Page | undefined;

  private constructor(
    folder: string,
    server: Server,
    browser: Browser,
    context: BrowserContext,
    viewport: Size,
  ) {
    this.#folder = folder;
    this.#server = server;
    this.#browser = browser;
    this.#context = context;
    this.#viewport = viewport;
    this.#settings = this.#readSettings();
  }

  /**
   * The one that test files use one after the other that need nothing special: the first window of a browser takes
   * twice as long to load as the next. Each opens windows on a folder of its own.
   */
  static shared(): Promise<VSCode> {
    return (shared ??= VSCode.start());
  }

  static async start(options: VSCodeOptions = {}): Promise<VSCode> {
    const folder = mkdtempSync(path.join(path.dirname(inject('extensionsFolder')), 'vscode-'));
    const executablePath = findChromium();
    if (executablePath === undefined) throw new Error('there is no Chromium');
    // If one of them fails, the other ends with this process.
    const [server, browser] = await Promise.all([
      startServer(await provisionServer(), {
        dataFolder: folder,
        extensions: options.extensions ?? inject('extensionsFolder'),
        requiresTrust: options.requiresTrust ?? false,
        // Git would start several programs in each window's folder.
        settings: { 'git.enabled': false, 'workbench.colorTheme': THEME_NAMES.dark, ...options.settings },
      }),
      chromium.launch({ executablePath, args: CHROMIUM_ARGS }),
    ]);
    const { language, viewport = { width: 1200, height: 800 } } = options;
    const context = await browser.newContext({ viewport });
    if (language !== undefined) await context.addInitScript(setLanguage, language);
    return new VSCode(folder, server, browser, context, viewport);
  }

  /** Opens a window on a folder, or a workspace file, and waits until the extension's contributions are known to it. */
  async openWindow(folder: string): Promise<Window> {
    const page = this.#emptyPage ?? (await this.#context.newPage());
    this.#emptyPage = undefined;
    await page.setViewportSize(this.#viewport);
    return Window.open(page, this.#server.address(folder));
  }

  /** Changes settings of all windows, open ones too. VS Code follows within a second. */
  changeSettings(changes: Settings): void {
    this.#writeSettings({ ...this.#readSettings(), ...changes });
  }

  get #settingsFile(): string {
    return path.join(this.#folder, 'data', 'Machine', 'settings.json');
  }

  #readSettings(): Settings {
    return JSON.parse(readFileSync(this.#settingsFile, 'utf8')) as Settings;
  }

  #writeSettings(settings: Settings): void {
    // VS Code would take a file that it reads half-written for empty: Auto Save, which these settings turn off, would be on.
    const half = `${this.#settingsFile}.new`;
    writeFileSync(half, JSON.stringify(settings, undefined, 2));
    renameSync(half, this.#settingsFile);
  }

  /** Switches the colour theme and waits until that window shows it, webviews included. */
  async setTheme(window: Window, kind: ThemeKind): Promise<void> {
    this.changeSettings({ 'workbench.colorTheme': THEME_NAMES[kind] });
    await window.waitForTheme(kind);
  }

  /** Backups that VS Code was given, with their pages: files of the extension that belong to a workspace. */
  backupFiles(): string[] {
    const storage = path.join(this.#folder, 'data', 'User', 'workspaceStorage');
    if (!existsSync(storage)) return [];
    return readdirSync(storage, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.parentPath.includes(EXTENSION_ID))
      .map(({ name }) => name);
  }

  /** Ends the extension host of the window that was opened last, as a crash does, and waits until VS Code has another one. */
  async killExtensionHost(): Promise<void> {
    const hosts = (): string[] =>
      [...this.serverLog().matchAll(/<(\d+)> Launched Extension Host Process/g)].map(([, pid]) => pid!);
    const before = hosts();
    process.kill(Number(before.at(-1)), 'SIGKILL');
    await until('there is another one', () => Promise.resolve(hosts().length > before.length));
  }

  /** What the server and the extension host printed so far. */
  serverLog(): string {
    return this.#server.log();
  }

  /** Ends it; the shared one is emptied for the next test file. */
  async stop(): Promise<void> {
    if (shared !== undefined && this === (await shared)) await this.#empty();
    else await this.#end();
  }

  /** Closes all windows and takes the settings back. */
  async #empty(): Promise<void> {
    try {
      const [page, ...others] = this.#context.pages();
      await Promise.all(others.map((other) => other.close()));
      page?.removeAllListeners();
      await page?.goto('about:blank');
      this.#emptyPage = page;
      this.#writeSettings(this.#settings);
    } catch {
      // Where a page does not go, the next file has a new one.
      shared = undefined;
      await this.#end();
    }
  }

  async #end(): Promise<void> {
    await this.#browser.close();
    await this.#server.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Runs in every frame before its own scripts. */
function setLanguage(language: string): void {
  (globalThis as { _VSCODE_NLS_LANGUAGE?: string })._VSCODE_NLS_LANGUAGE = language;
}
