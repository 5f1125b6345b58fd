// @ts-check
// Finds the Chromium that tests drive, and its arguments.
import process from 'node:process';
import { findProgram, isFile } from './paths.mjs';

const KNOWN_PATHS = [
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
  'C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe',
];

/**
 * Path of a Chromium or Chrome: CHROMIUM_EXECUTABLE, otherwise from PATH, otherwise in the usual places.
 * @returns {string | undefined}
 */
export function findChromium() {
  const named = process.env['CHROMIUM_EXECUTABLE'];
  if (named !== undefined && named !== '') return isFile(named) ? named : undefined;
  for (const name of ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']) {
    const found = findProgram(name);
    if (found !== undefined) return found;
  }
  return KNOWN_PATHS.find(isFile);
}

/** Quiet, offline, and able to run as root in a container. */
export const CHROMIUM_ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
