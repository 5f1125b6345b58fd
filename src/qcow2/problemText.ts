/**
 * The English sentence for every problem code. describeProblem.ts fills `{file}`, `{offset}`, `{value}`, `{limit}`,
 * `{what}` and `{name}` from the problem's fields (offsets as `0x…`), `{valueSize}`, `{limitSize}` and `{amountSize}` with
 * sizes. The editor's translations are keyed by these sentences, and by those of factText.ts.
 */
export const PROBLEM_TEXT = {
  cancelled: 'Cancelled',

  // io/
  'file.missing': 'No such file',
  'file.notUtf8': 'The file name is not valid UTF-8 and cannot be opened: rename the file',
  'file.notRegular': 'Not a regular file, but {what}',
  'file.permission': 'Permission denied',
  'file.open': 'Cannot be opened: {value}',
  'file.closed': 'The file was closed',
  'file.read': 'Cannot read {limit} bytes at offset {offset}: {value}',
  'file.shrank': 'The file shrank while it was open: from {limit} to {value} bytes',
  'file.create': 'Cannot be created: {value}',
  'file.write': 'Cannot write {limit} bytes at offset {offset}: {value}',
  'file.truncate': 'Cannot be resized to {limit} bytes: {value}',
  'file.hole': 'Cannot punch a hole of {limit} bytes at offset {offset}: {value}',
  'file.flush': 'Cannot be written to stable storage: {value}',
  'file.remove': 'Cannot be removed: {value}',
  'copy.exists': 'Already exists: choose another name',
  'copy.full': 'Not enough room on the host: {valueSize} are needed, {limitSize} are free',
  'read.changed': 'Another program changed the file while it was being read: try again',
  'check.inUse':
    'Not checked: another program has the image open for writing ({value}) and may hold changes in memory',
  'file.scratch': 'Staged edits cannot be written to the scratch file: {value}',

  'lock.held': 'Another program has locked the file against writing: {value}',
  'lock.heldBySomebody': 'Another program has locked the file against writing',
  'lock.notTaken':
    'No other program has the image open now, but the image cannot be locked while it is saved',
  'lock.network':
    'The file is on a network file system: programs on other machines that have it open cannot be detected',
  'lock.unseen': 'Other programs that have the image open cannot be detected here',

  // format/: header
  'header.empty': 'Not a qcow2 image: the file is empty',
  'header.magic': 'Not a qcow2 image: it begins with {value}, not with {limit}',
  'foreign.qcow1':
    'Not a qcow2 image but one of its predecessor, qcow version 1. Convert it: qemu-img convert -f qcow -O qcow2 INPUT OUTPUT',
  'foreign.vmdk':
    'Not a qcow2 image but a VMDK disk. Convert it: qemu-img convert -f vmdk -O qcow2 INPUT OUTPUT',
  'foreign.vmdkDescriptor':
    'Not a qcow2 image but the descriptor of a VMDK disk, whose data is in other files. With these beside it, convert it: qemu-img convert -f vmdk -O qcow2 INPUT OUTPUT',
  'foreign.vdi':
    'Not a qcow2 image but a VDI disk. Convert it: qemu-img convert -f vdi -O qcow2 INPUT OUTPUT',
  'foreign.vhd':
    'Not a qcow2 image but a VHD disk. Convert it: qemu-img convert -f vpc -O qcow2 INPUT OUTPUT',
  'foreign.vhdx':
    'Not a qcow2 image but a VHDX disk. Convert it: qemu-img convert -f vhdx -O qcow2 INPUT OUTPUT',
  'foreign.qed':
    'Not a qcow2 image but a QED disk. Convert it: qemu-img convert -f qed -O qcow2 INPUT OUTPUT',
  'foreign.parallels':
    'Not a qcow2 image but a Parallels disk. Convert it: qemu-img convert -f parallels -O qcow2 INPUT OUTPUT',
  'foreign.luks': 'Not a qcow2 image but a raw disk encrypted with LUKS',
  'foreign.gzip': 'Not a qcow2 image but a gzip file. Decompress it first: gunzip FILE.gz',
  'foreign.xz': 'Not a qcow2 image but an xz file. Decompress it first: unxz FILE.xz',
  'foreign.zstd': 'Not a qcow2 image but a Zstandard file. Decompress it first: unzstd FILE.zst',
  'foreign.bzip2': 'Not a qcow2 image but a bzip2 file. Decompress it first: bunzip2 FILE.bz2',
  'foreign.lz4': 'Not a qcow2 image but an LZ4 file. Decompress it first: unlz4 FILE.lz4',
  'foreign.zip': 'Not a qcow2 image but a ZIP archive. Extract the image from it first: unzip FILE.zip',
  'foreign.7z': 'Not a qcow2 image but a 7z archive. Extract the image from it first: 7z x FILE.7z',
  'foreign.tar':
    'Not a qcow2 image but a tar archive (OVA files are some). Extract the image from it first: tar xf FILE',
  'foreign.gpt':
    'Not a qcow2 image but a raw disk with a GPT partition table. Convert it: qemu-img convert -f raw -O qcow2 INPUT OUTPUT',
  'foreign.mbr':
    'Not a qcow2 image but a raw disk with an MBR partition table. Convert it: qemu-img convert -f raw -O qcow2 INPUT OUTPUT',
  'foreign.bootSector':
    'Not a qcow2 image but a raw disk with a boot sector. Convert it: qemu-img convert -f raw -O qcow2 INPUT OUTPUT',
  'foreign.iso': 'Not a qcow2 image but an ISO 9660 image of a CD or DVD: attach it to the machine as it is',
  'foreign.lfs':
    'Not a qcow2 image but a Git LFS pointer: the image itself is not here. Fetch it: git lfs pull',
  'foreign.html':
    'Not a qcow2 image but an HTML page: a download that led to a web page instead of the image. Download it again',
  'foreign.xml':
    'Not a qcow2 image but XML: a download often ends in an error message of the server. Open it as text',
  'foreign.json':
    'Not a qcow2 image but JSON: a download often ends in an error message of the server. Open it as text',
  'foreign.text': 'Not a qcow2 image but text. Open it as text to see what it is',
  'foreign.zeroes':
    'Not a qcow2 image: it begins with zeroes, like an unfinished copy or download. Copy it again, unless it is an empty raw disk',
  'header.version': 'Unsupported qcow2 version {value}: versions 2 and 3 are supported',
  'header.clusterBits': 'Unsupported cluster size: 2^{value} bytes; the exponent must be {limit}',
  'header.tooShort': 'Invalid header length: {value} bytes, version 3 needs at least {limit}',
  'header.exceedsCluster': 'Invalid header length: {value} bytes, more than a cluster of {limit} bytes',
  'header.backingFileOffset':
    'Invalid backing file offset {value}: the name must lie in the first cluster, within {limit} bytes',
  'header.compressionType': 'Unknown compression type {value}: 0 (deflate) and 1 (zstd) are known',
  'header.compressionBitSet': 'The compression type feature bit is set, but compression_type is {value}',
  'header.compressionBitClear':
    'compression_type is {value}, but the compression type feature bit is not set',
  'header.incompatibleFeatures': 'Unsupported qcow2 features: {value}',
  'header.subclusterSize':
    'Unsupported subcluster size: {value} bytes, less than {limit}; the clusters are too small',
  'header.refcountOrder':
    'Refcounts too wide: refcount_order is {value}, at most {limit} (64 bits) is allowed',
  'header.noRefcountTable': 'The image has no refcount table: refcount_table_clusters is 0',
  'header.tableTooLarge': 'The {what} is too large: {value} bytes, at most {limit} are allowed',
  'header.tableOffset':
    'Invalid offset {value} of the {what}: not a multiple of the cluster size, {limit} bytes',
  'header.tooManySnapshots':
    'The snapshot table is too large: {value} snapshots, at most {limit} are allowed',
  'header.imageTooBig':
    'The image is too big: its virtual size is {value} bytes, at most {limit} are possible',
  'header.l1TooSmall': 'The L1 table is too small: {value} entries, the virtual size needs {limit}',
  'value.tooLarge':
    'The {what} at offset {offset} is {value}, beyond the largest supported value 2^53 − 1 ({limit})',
  'table.beyondFile':
    'The {what} at offset {offset} reaches to {value}, beyond the end of the file at {limit} bytes',

  // format/: header extensions
  'extension.tooLarge':
    'The header extension ({what}) at offset {offset} is too large: {value} bytes, {limit} are left',
  'extension.length': 'The header extension ({what}) at offset {offset} is {value} bytes long, not {limit}',
  'extension.backingFormat':
    'The backing file format at offset {offset} is too long: {value} bytes, at most {limit} are allowed',
  'extension.encryptionUnexpected':
    'There is an encryption header extension at offset {offset}, but the encryption method is {value}, not 2 (LUKS)',
  'extension.encryptionOffset':
    'The encryption header offset {value} (extension at {offset}) is not a multiple of the cluster size, {limit} bytes',
  'bitmaps.reserved': 'Bitmaps extension: the reserved field at offset {offset} is {value}, not zero',
  'bitmaps.tooMany': 'Bitmaps extension at offset {offset}: {value} bitmaps, at most {limit} are allowed',
  'bitmaps.none': 'Bitmaps extension at offset {offset}: the number of bitmaps is 0',
  'bitmaps.directoryOffset':
    'Bitmaps extension: the directory offset {value} (at {offset}) is not a multiple of the cluster size, {limit} bytes',
  'bitmaps.directorySize':
    'Bitmaps extension: the directory size {value} (at {offset}) is more than {limit} bytes',
  'bitmap.directory': 'The bitmap directory is broken at offset {offset}: {what}',
  'bitmap.extraData':
    'A bitmap has {value} bytes of extra data (at offset {offset}), which are not supported',
  'bitmap.constraints': 'The bitmap {name} at offset {offset} does not satisfy the constraints: {what}',
  'crypt.method': 'Unsupported encryption method {value}: 1 (AES) and 2 (LUKS) are known',
  'crypt.noHeader': 'The encryption method is {value} (LUKS), but there is no encryption header extension',
  'luks.magic': 'There is no LUKS header at offset {offset}',
  'luks.version': 'Unsupported LUKS version {value} at offset {offset}: version 1 is supported',
  'dataFile.rawWithoutFile': 'The raw external data bit is set, but the image has no external data file',
  'backingName.tooLong': 'The backing file name is too long: {value} bytes, at most {limit} are allowed here',

  // format/: tables
  'snapshot.extraData':
    'Too much extra data in snapshot table entry {name} (offset {offset}): {value} bytes, at most {limit} are allowed',
  'snapshot.tableTooBig':
    'The snapshot table at offset {offset} is too big: {value} bytes, at most {limit} are allowed',
  'entry.reserved': '{what} at offset {offset} is {value}: reserved bits are set (mask {limit})',
  'entry.misaligned':
    '{what} at offset {offset} is {value}: its offset is not a multiple of the cluster size, {limit} bytes',
  'entry.tooLarge': '{what} at offset {offset} is {value}: its offset is beyond 2^53 − 1',
  'entry.zeroInVersion2': '{what} at offset {offset} is {value}: version 2 has no zero flag (bit 0)',
  'entry.dataFileOffset':
    '{what} at offset {offset} is {value}: in an external data file the offset must be that of the guest, {limit}',
  'entry.compressedInDataFile':
    '{what} at offset {offset} is {value}: an image with an external data file has no compressed clusters',
  'entry.subclustersBoth':
    'The {what} at offset {offset} is {value}: a subcluster is both allocated and reads as zero',
  'entry.subclustersUnallocated':
    'The {what} at offset {offset} is {value}: subclusters of an unallocated cluster are allocated',

  // image/
  'cluster.beyondFile':
    'The data of guest offset {value} is at offset {offset}, beyond the end of the file at {limit} bytes',
  'compressed.beyondFile':
    'The compressed cluster of guest offset {value} is at offset {offset}, beyond the end of the file at {limit} bytes',
  'compressed.broken':
    'The compressed cluster of guest offset {value} (at offset {offset}) cannot be decompressed: {name}',
  'encrypted.read': 'The image is encrypted ({value}): its data cannot be read',
  'dataFile.required': 'The image needs an external data file, but its header names none',
  'dataFile.notOpen': 'The external data file {value} is not open: its data cannot be read',
  'dataFile.beside': 'The guest data is written to the external data file {value}',
  'dataFile.elsewhere':
    'The guest data is written to the external data file {value}, outside the folder of the image',
  'dataFile.notAllowed':
    'The guest data would be written to the external data file {value}, outside the folder of the image: allow it with --allow-external-data-file',
  'backing.unopened': 'Backing file {value}: {name}',
  'dataFile.unopened': 'External data file {value}: {name}',
  'backing.notOpen': 'The backing file {value} is not open: its data at guest offset {offset} cannot be read',
  'read.range': 'Guest bytes from {offset} to {value} lie beyond the end of the disk at {limit} bytes',

  // change/
  'refcount.tooLow':
    'The cluster at offset {offset} is in use, but its refcount is 0: the refcounts of the image are wrong',
  'refcount.tooHigh':
    'The refcount of the cluster at offset {offset} is {value}: it cannot be changed, at most {limit} is possible',
  'refcount.tableFull':
    'The image cannot grow: its refcount table would have {value} bytes, at most {limit} are allowed',
  'image.tooLong': 'The image cannot grow beyond {limit} bytes, the largest supported file',
  'zero.version2':
    'Guest bytes from offset {offset} cannot be zeroed without writing zeroes: version 2 has no zero flag',
  'zero.partialCluster':
    'Guest bytes from offset {offset} cannot be zeroed without writing zeroes: the rest of their cluster is in use',
  'zero.compressed':
    'Guest bytes from offset {offset} cannot be zeroed without writing zeroes: they are part of a compressed cluster',
  'encrypted.scan': 'The image is encrypted ({value}): its contents cannot be scanned',
  'shrink.dataFile':
    'The data lies in an external data file: the image file holds little more than tables, and cannot be made smaller',
  'shrink.notScanned': 'The image changed since its contents were scanned: scan them again',
  'shrink.usedAsBase':
    'Not shrunk: other images use it as their backing file ({value}); --dry-run says what it would free',
  'shrink.noBacking': 'The image has no backing file that could be compared with it',
  'shrink.version2Backing':
    'Version 2 has no zero flag: zeroes over a backing file can only be stored as data',
  'shrink.backingChanged':
    'The backing file changed since its data was compared with the image: undo the edit, and scan again',
  'encrypted.write': 'The image is encrypted ({value}): data cannot be written to it',
  'bitmap.entry':
    'The bitmap table entry at offset {offset} is {value}: reserved bits are set, or its offset is not a multiple of the cluster size, {limit} bytes',

  'backing.noRoom':
    'The first cluster has no room for this name of the backing file: {value} bytes are needed, it has {limit}',
  'backing.nul': 'The name of a backing file cannot hold a null byte',
  'backing.format': 'The format of the backing file takes 1 to {limit} bytes, not {value}',
  'backing.rawDataFile': 'An image with a raw external data file cannot have a backing file',

  // map/lost.ts, check/missing.ts
  'file.incomplete':
    'This file is incomplete: it ends at {limitSize}, its tables refer to data up to {valueSize}; {amountSize} of the disk are missing. Copy it again before you repair it',
  'file.incompleteTables':
    'This file is incomplete: it ends at {limitSize}, and tables that it refers to lie beyond; up to {amountSize} of the disk are missing. Copy it again before you repair it',
  'file.incompleteData':
    'This data file is incomplete: it ends at {limitSize}, the tables of the image refer to data up to {valueSize}; {amountSize} of the disk are missing. Copy it again before you repair the image',

  'file.incompleteSnapshots':
    'This file is incomplete: it ends at {limitSize}, its internal snapshots refer to data up to {valueSize}; {amountSize} of their disks are missing. Copy it again before you repair it',
  'file.incompleteSnapshotTables':
    'This file is incomplete: it ends at {limitSize}, and tables of its internal snapshots lie beyond; up to {amountSize} of their disks are missing. Copy it again before you repair it',

  // chain/
  'gate.restricted': 'Not opened: names in an image are not followed in Restricted Mode',
  'gate.protocol': "Not opened: '{value}' is not a local file but needs the protocol '{name}'",
  'gate.network': "Not opened: '{value}' is on another machine",
  'gate.device': "Not opened: '{value}' is a device, or a path that is never opened",
  'gate.stream': "Not opened: '{value}' contains a colon, which file names cannot have here",
  'gate.noName': 'The name of the file is empty',
  'gate.nameTooLong': 'Not opened: the name of the file has {value} characters; at most {limit} are possible',
  'gate.jsonSyntax': "Not opened: '{value}' is not a valid json: name",
  'gate.jsonTooLarge': "Not opened: the json: name is longer or nested deeper than {limit}: '{value}'",
  'gate.jsonDriver':
    "Not opened: the json: name asks for the driver '{value}'; only qcow2, raw and file are read",
  'gate.jsonOption': "Not opened: the json: name has the option '{value}', which is not followed",
  'gate.jsonNoFile': 'Not opened: the json: name gives no local file',
  'chain.format': "Unsupported backing file format '{value}': only {limit} are supported",
  'chain.cycle': "The backing chain comes back to '{value}': it is a cycle",
  'chain.tooDeep': 'The backing chain has more than {limit} layers; deeper ones are not opened',
  'chain.formatProbed': 'The overlay does not name a backing format; {value} was detected',
  'chain.shorter': 'The backing file has {value} bytes, fewer than its overlay with {limit}',
  'chain.longer': 'The backing file has {value} bytes, more than its overlay with {limit}',
  'chain.formatWrong': "The overlay names the backing format '{value}', but the content looks like {limit}",
  'chain.newer':
    'The backing file was changed after its overlay {value}: if its content changed, the overlay is corrupt',
  'chain.inUse':
    'Another program has the backing file open for writing ({value}): its writes change the overlay',

  // report/
  'cells.request': 'Invalid map request: {value}, limit {limit}',
  'offset.beyondDisk': 'Offset {value} is not on the disk, which has {limit} bytes',
  'offset.beyondFile': 'Offset {value} is not in the file, which has {limit} bytes',
  'map.noOffset': 'File contains external, encrypted or compressed clusters.',

  // check/
  'check.clusters': 'The file has {value} clusters, too many to check: at most {limit} are supported',
  'guard.corrupt': 'The image is marked as corrupt: repair it before you change it',
  'guard.dirty': 'The image was not closed cleanly (dirty): repair its refcounts before you change it',
  'guard.unsound':
    'The image is damaged (errors found by the check: {value}, the first at offset {offset}): repair it before you change it',
  'guard.notLocal': 'The file is not on a local disk and cannot be changed here',
  'guard.changed': 'The file was changed by another program since it was read',
  'guard.hardLinks':
    'The file has {value} names (hard links) and cannot be changed here: the other names may be meant as copies',
  'guard.fileReadOnly': 'The file is not writable: {value}',
  'guard.folderReadOnly':
    'The folder of the file is not writable, and a save keeps its journal there: {value}',
  'guard.mountedReadOnly': 'The file is on a file system that is mounted read-only',
  'repair.l1TableMissing':
    'Not repaired: the active L1 table at offset {offset} is beyond the end of the file at {limit} bytes. The file is incomplete: copy it again',
  'check.memory':
    'The references of this image are too scattered to be checked: they would need more than {limit} bytes of memory',

  // save/
  'save.changedOutside': 'Not saved: another program has changed the file since it was read',
  'save.hardLinks': 'Not saved: the file has {value} names (hard links)',
  'save.space': 'Not saved: {value} bytes are needed where the file is, {limit} are free',
  'save.otherGeometry': 'Not saved: the image on disk and the changed image have different cluster sizes',
  'save.overlap':
    'Not saved: the cluster at offset {offset} is in use on disk ({what}) and cannot be reused in the same save',
  'save.journalLost': 'Not saved: another program has removed the journal {value}',
  'save.rollbackFailed':
    'Not saved, and the file could not be restored ({value}): recover the image from its journal before you use it',
  'journal.exists':
    'The file has a journal, {value}: another program is saving it, or a save was interrupted',
  'journal.saving': 'The image is being saved right now (process {value}): it is shown as it was before',
  'journal.shown': 'A save was interrupted: the image is shown as it was before',
  'journal.notShown': 'A save was interrupted: the image is shown as the save left it: {value}',
  'journal.version': 'Unsupported journal version {value}: finish the save with the version that started it',
  'journal.broken': 'The journal cannot be used: {what} at offset {offset} is broken',
  'journal.foreign':
    'A save needs this name for its journal, but the file is not a journal: move it away, or delete it with Recover',
  'journal.irregular': 'A save needs this name for its journal, but it is {what}: move or remove it',
  'journal.access':
    'The journal is not used: its owner or permissions let other users write it who may not write the image',
  'recover.running':
    'The image is being saved or recovered right now (process {value}): wait until that is done',
  'recover.otherMachine':
    'Not recovered: the save was started on another machine, {value}, and may still be running',
  'recover.changed':
    'Not recovered: another program has changed the file since the save was interrupted (at offset {offset})',
  'recover.unmarked': 'Not recovered: another program has repaired the image since the save was interrupted',
  'recover.version2':
    'Not recovered yet: a version 2 image does not show whether another program has changed it since the save was interrupted',
  'recover.noDataFile':
    'Not recovered: the save changed the external data file {value} as well, but the image names none that can be opened',
  'recover.dataFile':
    'Not recovered yet: an external data file would be overwritten that is not known to be the one the save changed: {value}',

  // space/
  'space.unsaved': 'Edits are staged: save or undo them before you make the file smaller',
  'space.compacting': 'The image is being compacted: wait until that is done, or cancel it',
  'compact.encrypted':
    'Encrypted images cannot be compacted ({value}): the encryption depends on where in the file the data is',
  'compact.extension':
    'The header has an extension of unknown type {value}: an image cannot be compacted unless everything that refers to clusters is known',
  'compact.snapshotExtra':
    'Snapshot {name} has {value} bytes of extra data, of which {limit} are known: an image cannot be compacted unless everything that refers to clusters is known',
  'compact.rawDataFile':
    'The image has a raw external data file, {value}: the image file beside it is small and cannot be compacted',
  'compact.leaks': '{value} clusters are leaked: repair leaks before you compact the image',
  'compact.space': 'Not compacted any further: {value} bytes are needed where the file is, {limit} are free',

  // cli/
  'output.write': 'Cannot be written: {value}',
  'input.read': 'Cannot be read: {value}',
  'input.lineTooLong': 'Line {offset} is longer than {limit} bytes',

  // edit/
  'backup.write': 'The staged edits cannot be backed up: {value}',
  'backup.read': 'The backup of the staged edits cannot be read: {value}',
  'backup.otherImage':
    'The image has changed since its staged edits were backed up; the backup is kept in {value}',

  // worker/, editor/
  'raw.noImage': 'The file is a raw disk: only qcow2 images have this',
  'raw.isImage': 'The file is a qcow2 image: only raw disks have this',
  'thread.ended': 'The engine of the image stopped: {value}',
  'engine.notOpen': 'No image is open',
  'engine.fault': 'Internal error: {value}',
  'gate.notLocal': "Not opened: '{value}' is named by an image that is not on a local disk",
  'file.notLocal': 'A file that is not on a local disk is read up to {limit} bytes; this one has {value}',
  'export.ontoImage': 'The map cannot overwrite a file of the image itself',
  'export.ontoOtherImage': 'The map cannot overwrite a disk image: choose another name',
  'export.write': 'Cannot be written: {value}',
  'copy.write': 'The copy cannot be written: {value}',
  'copy.dataFile': 'The image has an external data file, {value}, and cannot be saved under another name',
  'copy.backing':
    "The backing file name '{value}' is relative to the image: save the image in its own folder",
  'copy.ontoChain': 'A file in the backing chain of the image cannot be overwritten',
  'copy.ontoItself': 'The copy cannot overwrite the image itself',
  'replace.owner':
    'Not replaced: the owner of the file (user and group {value}) and its permissions could not be kept ({name}); choose another name',
  'replace.attribute':
    "Not replaced: the attribute '{name}' of the file could not be kept; choose another name",
} as const;

export type ProblemCode = keyof typeof PROBLEM_TEXT;
