/** A short hex dump without scrolling, for the raw header. */
import { html, type TemplateResult } from 'lit';
import { hexOf, runsOf, textOf } from './lines';

/** @param bytes a few kilobytes at most: every line becomes an element */
export function staticDump(bytes: Uint8Array, label: string): TemplateResult {
  const lines: TemplateResult[] = [];
  for (let offset = 0; offset < bytes.length; offset += 16) {
    const part = bytes.subarray(offset, offset + 16);
    lines.push(
      html`<div class="hex-line" translate="no">
        <span class="static-offset">${offset.toString(16).padStart(4, '0')}</span>
        <span class="hex-bytes"
          >${runsOf(part).map(
            (run, index) =>
              html`${index > 0 ? ' ' : ''}<span class=${run.isZero ? 'is-zero' : ''}
                  >${hexOf(run.bytes)}</span
                >`,
          )}</span
        >
        <span class="hex-text">${textOf(part)}</span>
      </div>`,
    );
  }
  return html`<div
    class="static-dump mono"
    tabindex="0"
    role="group"
    aria-label=${label}
    data-testid="raw-header"
  >
    ${lines}
  </div>`;
}
