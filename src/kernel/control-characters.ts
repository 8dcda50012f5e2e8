/** Control characters and line ends, and marks that turn the direction of reading. */
export const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}\u202A-\u202E\u2066-\u2069]/u;
