/** Gives the tests the readers of file systems as they are, without a bundle. Import it for that alone. */
import * as door from '../../../src/guest/door';
import { useGuestCode } from '../../../src/inside/guestCode';

useGuestCode(() => door);
