/** How an image is encrypted (qcow2.txt, "crypt_method"), as far as it shows without a key. */
import { FormatError, UnsupportedError } from '../errors';
import type { BlockFile } from '../io/blockFile';
import type { Header } from './header';
import type { HeaderExtensions } from './headerExtensions';
import { headerField } from './headerFields';

export type Encryption = 'aes' | 'luks';

/**
 * @returns undefined for an image that is not encrypted
 * @throws UnsupportedError for an unknown method, FormatError for LUKS without its header extension
 */
export function checkEncryption(
  file: BlockFile,
  header: Header,
  extensions: HeaderExtensions,
): Encryption | undefined {
  const { offset } = headerField('crypt_method');
  switch (header.cryptMethod) {
    case 0:
      return undefined;
    case 1:
      return 'aes';
    case 2:
      if (extensions.encryptionHeader !== undefined) return 'luks';
      throw new FormatError(file.name, 'crypt.noHeader', { offset, value: header.cryptMethod });
    default:
      throw new UnsupportedError(file.name, 'crypt.method', { offset, value: header.cryptMethod });
  }
}
