/** Hostile IDs, for tests of the webhook and of the command line. */
export const EVIL = [
  ...['../authentication/login', '..', '.', '/', '..\\..\\login', '%2e%2e%2flogin', '..%2f..', 'a/../../b', './a'],
  ...[
    'a?b=c',
    'a#b',
    'a;b=c',
    'a&orderId=b',
    'a@evil.example',
    '@evil.example',
    'http://evil.example/',
    '//evil.example/',
  ],
  ...[
    'a\r\nX-Evil: 1',
    'a\nX-Evil: 1',
    'a\0b',
    '\u001b[2Ja',
    'a\u009b31m',
    'a\u2028b',
    'a\u202eb',
    '\u061ca\u2066',
    '\ufeffa',
  ],
  ...['😀', 'é', '%', '%00', '%zz', '{orderId}', '__proto__', 'constructor', 'x'.repeat(10_000), 'é'.repeat(256)],
]

/** Characters that a line must not contain: line breaks, terminal commands, and changes of the text direction. */
export const UNPRINTABLE = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/u
