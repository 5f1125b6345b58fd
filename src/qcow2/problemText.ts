/**
 * The English sentence for every problem code. describeProblem.ts fills `{file}`, `{offset}`, `{value}`, `{limit}`,
 * `{what}` and `{name}` from the problem's fields (offsets as `0x…`), `{valueSize}`, `{limitSize}` and `{amountSize}` with
 * sizes. The editor's translations are keyed by these sentences, and by those of factText.ts.
 */
export const PROBLEM_TEXT = {
  cancelled: 'Cancelled',

  // io/
  'file.missing': 'No such file',
  'file.notUtf8': 'The name is not valid UTF-8, and such files cannot be opened: rename the file',
  'file.notRegular': 'Not a regular file, but {what}',
  'file.permission': 'Permission denied',
  'file.open': 'Cannot be opened: {value}',
  'file.closed': 'The file was closed',
  'file.read': 'Cannot read {limit} bytes at offset {offset}: {value}',
  'file.shrank': 'The file ends at {value} bytes: it was {limit} bytes long when it was opened',
  'file.create': 'Cannot be created: {value}',
  'file.write': 'Cannot write {limit} bytes at offset {offset}: {value}',
  'file.truncate': 'Cannot be made {limit} bytes long: {value}',
  'file.hole': 'Cannot make a hole of {limit} bytes at offset {offset}: {value}',
  'file.flush': 'Cannot be written to stable storage: {value}',
  'file.remove': 'Cannot be removed: {value}',
  'read.changed': 'Changed by another program while it was read: try again',
  'check.inUse':
    'Not checked: another program has the image open for writing ({value}), and may keep a part of it in memory',
  'file.scratch': 'Staged changes cannot be kept in the scratch file: {value}',

  'lock.held': 'Another program has the file open and lets nobody else write it: {value}',
  'lock.heldBySomebody': 'Another program has the file open and lets nobody else write it',
  'lock.notTaken':
    'Nobody has the image open now, but other programs cannot be kept from opening it while it is saved',
  'lock.network':
    'The file is on a network file system: whether a program on another machine has it open cannot be seen',
  'lock.unseen': 'Whether another program has the image open cannot be seen here',

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
    'Not a qcow2 image: it begins with zeroes, as a copy or a download that did not finish. Copy it again, unless it is an empty raw disk',
  'header.version': 'Unsupported qcow2 version {value}: versions 2 and 3 are supported',
  'header.clusterBits': 'Unsupported cluster size: 2^{value} bytes; the exponent must be {limit}',
  'header.tooShort': 'The header says it is {value} bytes long: version 3 has at least {limit}',
  'header.exceedsCluster': 'The header says it is {value} bytes long, more than a cluster of {limit} bytes',
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
    'The {what} at offset {offset} is {value}, beyond 2^53 − 1 ({limit}), the largest this program handles',
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
  'bitmaps.none': 'Bitmaps extension at offset {offset}: it says that there are zero bitmaps',
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
  'backing.notOpen':
    'The backing file {value} is not open: what it has at guest offset {offset} cannot be read',
  'read.range': 'Guest bytes from {offset} to {value} lie beyond the end of the disk at {limit} bytes',

  // change/
  'refcount.tooLow':
    'The cluster at offset {offset} is in use, but its refcount is 0: the refcounts of the image are wrong',
  'refcount.tooHigh':
    'The refcount of the cluster at offset {offset} is {value}: it cannot be changed, at most {limit} is possible',
  'refcount.tableFull':
    'The image cannot grow: its refcount table would have {value} bytes, at most {limit} are allowed',
  'image.tooLong': 'The image cannot grow beyond {limit} bytes, the longest file this program handles',
  'zero.version2':
    'Guest bytes from offset {offset} on cannot be zeroed without writing zeroes: version 2 has no zero flag',
  'zero.partialCluster':
    'Guest bytes from offset {offset} on cannot be zeroed without writing zeroes: they are part of a cluster whose rest is in use',
  'zero.compressed':
    'Guest bytes from offset {offset} on cannot be zeroed without writing zeroes: they are part of a compressed cluster',
  'encrypted.write': 'The image is encrypted ({value}): data cannot be written to it',
  'bitmap.entry':
    'The bitmap table entry at offset {offset} is {value}: reserved bits are set, or its offset is not a multiple of the cluster size, {limit} bytes',

  'backing.noRoom':
    'The first cluster has no room for this name of the backing file: {value} bytes are needed, it has {limit}',
  'backing.nul': 'The name of a backing file cannot hold a null byte',
  'backing.format': 'The format of the backing file takes 1 to {limit} bytes, not {value}',
  'backing.rawDataFile':
    'An image whose external data file is raw by itself cannot have a backing file: the data file would not show it',

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
  'gate.protocol': "Not opened: '{value}' is no local file but needs the protocol '{name}'",
  'gate.network': "Not opened: '{value}' is on another machine",
  'gate.device': "Not opened: '{value}' is a device, or a path that is not looked into",
  'gate.stream': "Not opened: '{value}' has a colon, which no file name has here",
  'gate.noName': 'The name of the file is empty',
  'gate.nameTooLong': 'Not opened: the name of the file has {value} characters; at most {limit} are possible',
  'gate.jsonSyntax': "Not opened: '{value}' is not a valid json: name",
  'gate.jsonTooLarge': "Not opened: the json: name is longer or nested deeper than {limit}: '{value}'",
  'gate.jsonDriver':
    "Not opened: the json: name asks for the driver '{value}'; only qcow2, raw and file are read",
  'gate.jsonOption': "Not opened: the json: name has the option '{value}', which is not followed",
  'gate.jsonNoFile': 'Not opened: the json: name gives no local file',
  'chain.format': "The backing file's format '{value}' is not read; only {limit} are",
  'chain.cycle': "The backing chain comes back to '{value}': it is a cycle",
  'chain.tooDeep': 'The backing chain goes on below {limit} layers, the most that are opened',
  'chain.formatProbed': 'The overlay gives no backing format; the content was taken for {value}',
  'chain.shorter': 'The backing file has {value} bytes, fewer than its overlay with {limit}',
  'chain.longer': 'The backing file has {value} bytes, more than its overlay with {limit}',
  'chain.formatWrong': "The overlay gives the backing format '{value}', but the content looks like {limit}",
  'chain.newer':
    'The backing file was changed after its overlay {value}: if its content has changed, what the overlay shows is mixed',
  'chain.inUse':
    'Another program has the backing file open for writing ({value}): what it writes changes the overlay',

  // report/
  'cells.request': 'No such view of the map: {value}, where {limit} is the unit or the limit',
  'offset.beyondDisk': 'Offset {value} is not on the disk, which has {limit} bytes',
  'offset.beyondFile': 'Offset {value} is not in the file, which has {limit} bytes',
  'map.noOffset': 'File contains external, encrypted or compressed clusters.',

  // check/
  'check.clusters': 'The file has {value} clusters, too many to be checked: at most {limit} are',
  'guard.corrupt': 'The image is marked as corrupt: it has to be repaired before it is changed',
  'guard.dirty':
    'The image was not closed properly (dirty): its refcounts have to be repaired before it is changed',
  'guard.unsound':
    'The image is damaged (faults that the check found: {value}, the first at offset {offset}): it has to be repaired before it is changed',
  'guard.notLocal': 'The file is not on a local disk: it is shown and cannot be changed here',
  'guard.changed': 'The file was changed by somebody else since it was read',
  'guard.hardLinks':
    'The file has {value} names (hard links): it is not changed here, since they may stand for copies',
  'guard.fileReadOnly': 'The file may not be written: {value}',
  'guard.folderReadOnly':
    'The folder of the file may not be written, where a save keeps its journal: {value}',
  'guard.mountedReadOnly': 'The file is on a file system that is mounted read-only',
  'repair.l1TableMissing':
    'Not repaired: the L1 table at offset {offset}, which says where all data of the disk is, lies beyond the end of the file at {limit} bytes. The file is incomplete: copy it again',
  'check.memory':
    'The references of this image are too scattered to be checked: they need more than {limit} bytes',

  // save/
  'save.changedOutside': 'Not saved: another program has changed the file since it was read',
  'save.hardLinks': 'Not saved: the file has {value} names (hard links)',
  'save.space': 'Not saved: {value} bytes are needed where the file is, {limit} are free',
  'save.otherGeometry': 'Not saved: the image on disk and the changed one have other cluster sizes',
  'save.overlap':
    'Not saved: the cluster at offset {offset} is in use on disk ({what}), and would be something else; it cannot be both while it is saved',
  'save.journalLost': 'Not saved: another program has removed the journal {value}',
  'save.rollbackFailed':
    'Not saved, and the file could not be put back as it was ({value}): its journal stays, recover it before anything else',
  'journal.exists':
    'There is a journal beside the file, {value}: another program is saving, or a save was interrupted',
  'journal.saving':
    'The image is being saved right now (process {value}): what is shown is the image as it was before',
  'journal.shown': 'A save was interrupted: what is shown is the image as it was before',
  'journal.notShown': 'A save was interrupted, and the image is shown as that left it: {value}',
  'journal.version':
    'The journal is of version {value}, which this program does not know: finish the save with the version that began it',
  'journal.broken': 'The journal cannot be used: {what} at offset {offset} is broken',
  'journal.foreign':
    'Not a journal of this program, although a save needs this name: move the file away, or discard it with recover',
  'journal.irregular':
    'Not a journal, but {what}, and a save needs this name: remove it, or move it away; recover leaves it alone',
  'journal.access':
    'The journal is not used: its owner, or its permissions, let others write it who may not write the image',
  'recover.running':
    'The image is being saved or recovered right now (process {value}): wait until that is done',
  'recover.otherMachine':
    'Not recovered: the save was begun on another machine, {value}; whether it still runs cannot be told from here',
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
  'space.unsaved': 'Changes are staged: save or undo them before free space is given back',

  // cli/
  'output.write': 'Cannot be written: {value}',
  'input.read': 'Cannot be read: {value}',
  'input.lineTooLong': 'Line {offset} is longer than {limit} bytes',

  // edit/
  'backup.write': 'The staged changes cannot be backed up: {value}',
  'backup.read': 'The backup of staged changes cannot be read: {value}',
  'backup.otherImage':
    'The image is not what it was when its staged changes were backed up; they are kept in {value}',

  // worker/, editor/
  'thread.ended': 'The thread that reads the image ended: {value}',
  'engine.notOpen': 'No image is open',
  'engine.fault': 'A fault of this program: {value}',
  'gate.notLocal': "Not opened: '{value}' is named by an image that is not on a local disk",
  'file.notLocal': 'A file that is not on a local disk is read up to {limit} bytes; this one has {value}',
  'export.ontoImage': 'The map cannot be written over a file of the image itself',
  'export.ontoOtherImage': 'The map cannot be written over a disk image; choose another name',
  'export.write': 'Cannot be written: {value}',
  'copy.write': 'The copy cannot be written: {value}',
  'copy.dataFile':
    'The image keeps its data in an external data file, {value}: it cannot be saved under another name',
  'copy.backing':
    "The name of the backing file, '{value}', leads elsewhere from another folder: save the image in its own folder",
  'copy.ontoChain': 'A file of its own backing chain cannot be written over',
  'copy.ontoItself': 'The copy cannot be written over the image itself',
  'replace.owner':
    'Not replaced: the owner of the file (user and group {value}) and its permissions could not be kept ({name}); choose another name',
  'replace.attribute':
    "Not replaced: the attribute '{name}' of the file could not be kept; choose another name",
} as const;

export type ProblemCode = keyof typeof PROBLEM_TEXT;
