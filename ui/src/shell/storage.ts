// What every page knows of the lock of the data on this computer.

/** Characters a passphrase has at least, as the program asks for. */
export const SHORTEST_PASSPHRASE = 8;
