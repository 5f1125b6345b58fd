/** Answers what the page asks about the inside of the disk, for one panel on one document. */
import { guestOffset } from '../../qcow2/units';
import { describe } from '../../text/vscode/describe';
import type { ProgressReport, Result } from '../../worker/api';
import type { ImageDocument } from '../model/document';
import type { HostApi, TextResult } from './messages';

type ContentCalls = Pick<
  HostApi,
  'contentCells' | 'bands' | 'owners' | 'indexOwners' | 'stopOwners' | 'filePlaces'
>;
type Answers = {
  [Name in keyof ContentCalls]: (
    ...args: Parameters<ContentCalls[Name]>
  ) => Promise<ReturnType<ContentCalls[Name]>> | ReturnType<ContentCalls[Name]>;
};

/** @param ownerProgress the index of owners got further */
export function contentHandler(document: ImageDocument, ownerProgress: ProgressReport): Answers {
  // Of this page alone: other pages may be on the same file.
  const index = Symbol('index of owners');
  const places = Symbol('places of a file');
  return {
    contentCells: (request) => document.run((engine, operation) => engine.contentCells(request, operation)),
    bands: () => document.ask((engine) => engine.guestBands()),
    owners: (start, length) => document.ask((engine) => engine.guestOwners(guestOffset(start), length)),
    indexOwners: async () =>
      inWords(
        await document.run((engine, operation) => engine.indexGuestOwners(operation), {
          report: ownerProgress,
          key: index,
        }),
      ),
    stopOwners() {
      document.stop(index);
    },
    filePlaces: (part, file) =>
      document.run((engine, operation) => engine.guestFilePlaces(part, file, operation), {
        key: places,
        stopsOlder: true,
      }),
  };
}

const inWords = <T>(result: Result<T>): TextResult<T> =>
  result.ok ? result : { ok: false, text: describe(result.problem) };
