/** The header: offset, raw and decoded value and meaning of every field; features, extensions, tables. */
import { hex } from '../../src/text/hex';
import { html, nothing, type TemplateResult } from 'lit';
import type {
  BitmapView,
  ExtensionView,
  FeatureBit,
  HeaderField,
  HeaderView,
  Said,
  SnapshotView,
} from '../../src/editor/page/messages';
import { safeName } from '../base/names';
import { staticDump } from '../bytes/static';
import { icon } from '../base/icons';
import { FEATURE_MEANING, FIELD_MEANING, phraseText } from './meanings';
import { sizeText } from '../../src/text/sizeText';
import { formatCount } from '../base/numbers';
import { t } from '../base/strings';
import { around, hostLink, type PlaceActions } from './offsetLinks';

export interface HeaderActions extends Pick<PlaceActions, 'goToHost'> {
  copy(text: string): void;
}

export function headerPanel(header: HeaderView, actions: HeaderActions): TemplateResult {
  return html`<div class="header-panel" data-testid="header-panel">
    <div class="panel-top">
      <h2 class="panel-title">${t('Header')}</h2>
      <vscode-button
        appearance="secondary"
        data-testid="copy-header"
        @click=${() => {
          actions.copy(headerJson(header));
        }}
        ><span slot="start">${icon('copy')}</span>${t('Copy as JSON')}</vscode-button
      >
    </div>
    ${headerTables(header, actions)}
    <details class="raw-header">
      <summary>${t('Raw bytes')}</summary>
      ${staticDump(header.raw.subarray(0, 512), t('Raw bytes of the header'))}
    </details>
  </div>`;
}

/** Links into the file view; undefined where there is no file view. */
type Places = Pick<PlaceActions, 'goToHost'> | undefined;

/** The readable parts without the buttons; also shown for an image that cannot be opened and has no map. */
export function headerTables(header: HeaderView, places?: Places): TemplateResult {
  return html`${fieldTable(header.fields, places)} ${featureTable(header.features)}
  ${extensionList(header.extensions)} ${snapshotTable(header.snapshots, places)}
  ${bitmapTable(header.bitmaps, places)}`;
}

const place = (offset: number, places: Places, text = hex(offset)): TemplateResult | string =>
  places === undefined ? text : hostLink(offset, places, text);

function fieldTable(fields: readonly HeaderField[], places: Places): TemplateResult | typeof nothing {
  if (fields.length === 0) return nothing;
  return html`<h3 class="panel-heading">${t('Fields')}</h3>
    <table class="fields" data-testid="header-fields">
      <thead>
        <tr>
          <th>${t('Offset')}</th>
          <th>${t('Field')}</th>
          <th>${t('Value')}</th>
        </tr>
      </thead>
      <tbody>
        ${fields.map((field) => {
          return html`<tr data-field=${field.name}>
            <td class="mono dim" title=${t('{0} bytes at offset {1}', field.length, field.offset)}>
              ${hex(field.offset)}
            </td>
            <td>
              <span class="mono field-name" translate="no">${field.name}</span>
              <div class="meaning">${FIELD_MEANING[field.name]}</div>
            </td>
            <td class="field-value">
              ${field.decoded === '' ? nothing : html`<div data-testid="decoded">${said(field)}</div>`}
              <div class="mono dim" data-testid="raw" translate="no">
                ${field.pointsTo === undefined ? field.raw : place(field.pointsTo, places, field.raw)}
              </div>
            </td>
          </tr>`;
        })}
      </tbody>
    </table>`;
}

function featureTable(features: readonly FeatureBit[]): TemplateResult | typeof nothing {
  if (features.length === 0) return nothing;
  const types = { incompatible: t('incompatible'), compatible: t('compatible'), autoclear: t('autoclear') };
  return html`<h3 class="panel-heading">${t('Feature bits')}</h3>
    <table class="features" data-testid="header-features">
      <thead>
        <tr>
          <th>${t('Bit')}</th>
          <th>${t('Feature')}</th>
          <th>${t('Set')}</th>
        </tr>
      </thead>
      <tbody>
        ${features.map((feature) => {
          const name = feature.name ?? feature.nameInImage;
          const meaning = feature.name === undefined ? undefined : FEATURE_MEANING[feature.name];
          return html`<tr
            class=${feature.isSet ? 'is-set' : 'is-clear'}
            data-feature=${`${feature.type}-${feature.bit}`}
          >
            <td><span class="mono">${feature.bit}</span> <span class="dim">${types[feature.type]}</span></td>
            <td>
              ${name === undefined ? t('unknown') : data(name)}
              ${
                feature.nameInImage !== undefined && feature.nameInImage !== name
                  ? html`<div class="meaning">${t('The image calls it "{0}".', feature.nameInImage)}</div>`
                  : nothing
              }
              ${meaning === undefined ? nothing : html`<div class="meaning">${meaning}</div>`}
            </td>
            <td>${feature.isSet ? t('yes') : t('no')}</td>
          </tr>`;
        })}
      </tbody>
    </table>`;
}

function extensionList(extensions: readonly ExtensionView[]): TemplateResult | typeof nothing {
  if (extensions.length === 0) return nothing;
  return html`<h3 class="panel-heading">${t('Header extensions')}</h3>
    <table class="extensions" data-testid="header-extensions">
      <thead>
        <tr>
          <th>${t('Offset')}</th>
          <th>${t('Extension')}</th>
          <th>${t('Content')}</th>
        </tr>
      </thead>
      <tbody>
        ${extensions.map(
          (extension) =>
            html`<tr>
              <td class="mono dim">${hex(extension.offset)}</td>
              <td>
                ${data(extension.name)}
                <div class="meaning">
                  <span class="mono">${extension.type}</span>,
                  ${t('{0} bytes', formatCount(extension.length))}
                </div>
              </td>
              <td class="break">${said(extension)}</td>
            </tr>`,
        )}
      </tbody>
    </table>`;
}

function snapshotTable(snapshots: readonly SnapshotView[], places: Places): TemplateResult | typeof nothing {
  if (snapshots.length === 0) return nothing;
  return html`<h3 class="panel-heading">${t('Snapshots')}</h3>
    <table class="snapshots" data-testid="header-snapshots">
      <thead>
        <tr>
          <th>${t('ID')}</th>
          <th>${t('Name')}</th>
          <th>${t('Taken')}</th>
        </tr>
      </thead>
      <tbody>
        ${snapshots.map(
          (snapshot) =>
            html`<tr>
              <td class="mono">${data(snapshot.id)}</td>
              <td class="break">
                ${data(snapshot.name)}
                <div class="meaning">
                  ${around((at) => t('L1 table at {0}, {1} entries', at, formatCount(snapshot.l1Entries)), html`${place(snapshot.l1Offset, places)}`)}
                  ${snapshot.virtualSize === undefined ? nothing : html`<br />${t('disk of {0}', sizeOfText(snapshot.virtualSize))}`}
                  ${snapshot.vmStateSize === '0' ? nothing : html`<br />${t('VM state of {0}', sizeOfText(snapshot.vmStateSize))}`}
                </div>
              </td>
              <td translate="no">${formatTime(snapshot.dateSeconds)}</td>
            </tr>`,
        )}
      </tbody>
    </table>`;
}

function bitmapTable(bitmaps: readonly BitmapView[], places: Places): TemplateResult | typeof nothing {
  if (bitmaps.length === 0) return nothing;
  return html`<h3 class="panel-heading">${t('Bitmaps')}</h3>
    <table class="bitmaps" data-testid="header-bitmaps">
      <thead>
        <tr>
          <th>${t('Name')}</th>
          <th>${t('Granularity')}</th>
          <th>${t('Flags')}</th>
        </tr>
      </thead>
      <tbody>
        ${bitmaps.map(
          (bitmap) =>
            html`<tr>
              <td class="break">
                ${data(bitmap.name)}
                <div class="meaning">
                  ${around((at) => t('table at {0}, {1} entries', at, formatCount(bitmap.tableEntries)), html`${place(bitmap.tableOffset, places)}`)}
                </div>
              </td>
              <td>${sizeText(bitmap.granularity)}</td>
              <td>${data(bitmap.flags.join(', '))}</td>
            </tr>`,
        )}
      </tbody>
    </table>`;
}

/** The translated phrase, or the data as it is. */
const said = (value: Said): TemplateResult | string =>
  value.phrase === undefined ? data(value.decoded) : phraseText(value.phrase);

/** A time in the language and time zone of the user. */
function formatTime(secondsSince1970: number): string {
  return new Date(secondsSince1970 * 1000).toLocaleString(document.documentElement.lang);
}

/** Names from the format or the image, which are not translated. */
const data = (text: string): TemplateResult => html`<span translate="no">${safeName(text)}</span>`;

/** A decimal 64-bit number as a size. */
function sizeOfText(decimal: string): string {
  const value = Number(decimal);
  return Number.isFinite(value) ? sizeText(value) : decimal;
}

/** The header as JSON, its raw bytes as one line of hex. */
export function headerJson(header: HeaderView): string {
  const raw = Array.from(header.raw, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return JSON.stringify({ ...header, raw }, undefined, 2);
}
