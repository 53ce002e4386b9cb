/** Finds positions at which UTF-8 bytes can be cut between characters. */

/** Default size of a slice: its bytes are scanned in less than a millisecond. */
export const SLICE_BYTES = 65_536

/** The same bytes in slices of about `size` or less, cut between characters. */
export function slicesOf(pieces: readonly Buffer[], size = SLICE_BYTES): Buffer[] {
  const slices: Buffer[] = []
  for (const piece of pieces.length > 1 ? cutBetweenCharacters(pieces) : pieces) {
    for (let at = 0, end = 0; at < piece.length; at = end) {
      end = nextCharacter(piece, at + size)
      slices.push(piece.subarray(at, end))
    }
  }
  return slices
}

/** The same bytes, cut so that no character is in two pieces. No returned piece is empty. */
export function cutBetweenCharacters(pieces: readonly Buffer[]): readonly Buffer[] {
  const cut: Buffer[] = []
  /** The incomplete character at the end of the previous piece. */
  let open: Buffer | undefined
  for (const piece of pieces) {
    let start = 0
    if (open) {
      while (start < MAX_CONTINUATION && isContinuationByte(piece[start])) start++
      open = Buffer.concat([open, piece.subarray(0, start)])
      if (start === piece.length && lengthOfOpenCharacter(open) > 0) continue
      cut.push(open)
    }
    const end = piece.length - lengthOfOpenCharacter(piece.subarray(start))
    open = end < piece.length ? piece.subarray(end) : undefined
    if (end > start) cut.push(piece.subarray(start, end))
  }
  if (open) cut.push(open)
  return cut
}

/** The first byte of a character is followed by at most three continuation bytes. */
const MAX_CONTINUATION = 3

/**
 * Number of bytes of an incomplete character at the end; 0 if there is none. The first byte of a character determines
 * its complete length.
 */
function lengthOfOpenCharacter(bytes: Buffer): number {
  for (let length = 1; length <= MAX_CONTINUATION; length++) {
    const byte = bytes[bytes.length - length] ?? 0
    if (byte < 0x80) return 0
    if (!isContinuationByte(byte)) return length < (byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4) ? length : 0
  }
  return 0
}

/** Index of the first character that begins at or after `at`; the length of the bytes if there is none. */
function nextCharacter(bytes: Buffer, at: number): number {
  let next = Math.min(at, bytes.length)
  while (isContinuationByte(bytes[next])) next++
  return next
}

function isContinuationByte(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80
}
