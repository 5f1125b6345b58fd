/** Calls about the inside of a disk that go through many files. */
import { copyWhole } from '../inside/copyWhole';
import { findFiles } from '../inside/findFiles';
import type { GuestDisk } from '../guest/disk';
import { partAt, systemOf } from '../inside/guestDisk';
import { largestOf } from '../inside/largest';
import type { Progress } from '../qcow2/progress';
import type { ContentsWorkCalls, GuestFound } from './contentsApi';
import type { View } from './openImage';
import type { OperationId, Result } from './result';

/** Files and folders that `largestGuestFiles` tells. */
const LARGEST = 100;
/** Milliseconds, and files, after which what was found is told. */
const TELL_EVERY = 100;
const TELL_MANY = 500;

/** What these calls need from the engine. */
export interface ContentsWorkHost {
  onView<T>(use: (view: View) => T): Result<T>;
  /** Runs something in pieces; other calls are answered between them. It is given up where the disk changes meanwhile. */
  viewInSlices<T>(begin: (view: View) => Generator<undefined, T>): Promise<Result<T>>;
  /** Runs something that writes files; the host does not end the thread meanwhile. */
  writing<T>(work: () => Result<T>): Result<T>;
  progressOf(operation: OperationId): Progress;
  tellFound(operation: OperationId, files: readonly GuestFound[]): void;
}

/** @param diskOf the disk that is shown */
export function contentsWorkCalls(
  host: ContentsWorkHost,
  diskOf: (view: View) => GuestDisk,
): ContentsWorkCalls {
  return {
    findGuestFiles: (request, operation) =>
      host.viewInSlices(function* (view) {
        let waiting: GuestFound[] = [];
        let toldAt = 0;
        const tell = (): void => {
          if (waiting.length > 0) host.tellFound(operation, waiting);
          waiting = [];
          toldAt = performance.now();
        };
        const take = (file: GuestFound): void => {
          waiting.push(file);
          if (waiting.length >= TELL_MANY || performance.now() - toldAt > TELL_EVERY) tell();
        };
        const report = yield* findFiles(diskOf(view), request, take, host.progressOf(operation));
        tell();
        return report;
      }),
    largestGuestFiles: (part, operation) =>
      host.viewInSlices((view) =>
        largestOf(systemOf(partAt(diskOf(view), part)), LARGEST, host.progressOf(operation)),
      ),
    copyGuestFile: ({ part, file, destination }, operation) =>
      host.writing(() =>
        host.onView((view) => {
          const progress = host.progressOf(operation);
          return copyWhole(systemOf(partAt(diskOf(view), part)), file, destination, { progress });
        }),
      ),
  };
}
