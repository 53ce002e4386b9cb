/**
 * Parses the bytes of a tXML body into the value that the same body has in JSON. The body must be well-formed XML 1.0
 * in UTF-8, without a DOCTYPE, and not nested too deeply. It is parsed in slices, so that a large body does not block
 * the event loop.
 */
import { isUtf8 } from 'node:buffer'
import type { SaxesParser } from 'saxes'
import type { Issue } from '../events/events'
import { SLICE_BYTES, slicesOf } from '../bytes/characters'
import { markLength, MAX_DEPTH, MAX_VALUES, withoutNuls } from '../bytes/json'
import { UNWANTED, type SlicedReading } from '../bytes/json-slices'
import { Turns } from '../bytes/turns'
import { TreeBuilder } from './build'

export type TxmlResult =
  { ok: true; value: unknown; removedKeys: string[]; issues: Issue[] } | { ok: false; reason: string }

/**
 * Maximum number of attributes of an element: tXML has none, and the parser keeps them in memory until the tag ends.
 */
const MAX_ATTRIBUTES = 100

/** The reason for a refusal. The parser's own messages are not used, because they quote the body. */
class Malformed extends Error {}

/**
 * Reads one document. More tolerant than XML: skips byte order marks and white space at the start, and NULs at the end.
 * Ignores the encoding in the declaration, because .NET writes `utf-16` into texts that are sent as UTF-8. Stops early
 * when `unwanted` returns true, which means that the request was answered.
 */
export async function readTxml(
  content: Buffer | readonly Buffer[],
  { turns = new Turns(), unwanted, onBeginning }: Partial<SlicedReading> = {},
): Promise<TxmlResult> {
  const slices = slicesOf(withoutNuls(Buffer.isBuffer(content) ? [content] : content))
  for (const slice of slices) {
    if (!isUtf8(slice)) return { ok: false, reason: 'the body is not valid UTF-8' }
    if (turns.over) await turns.next()
  }
  const builder = new TreeBuilder()
  const parser = createParser(builder)
  let written = 0
  let hasBegun = false
  try {
    for (const slice of withoutStart(slices)) {
      if (turns.over) await turns.next()
      if (unwanted?.() === true) return UNWANTED
      parser.write(slice.toString('utf8'))
      written += slice.length
      // Without this limit, a DOCTYPE could have any length.
      if (builder.elements === 0 && written >= SLICE_BYTES)
        throw new Malformed(`the body has no root element in its first ${SLICE_BYTES} bytes`)
      if (!hasBegun && written >= SLICE_BYTES) onBeginning?.(builder.beginning)
      hasBegun = written >= SLICE_BYTES
    }
    parser.close()
  } catch (error) {
    if (error instanceof Malformed) return { ok: false, reason: error.message }
    throw error
  }
  const { root, removedKeys, issues } = builder
  return { ok: true, value: root, removedKeys, issues }
}

/** Removes byte order marks from the start of the first slices, and then the white space that follows. */
function withoutStart(slices: readonly Buffer[]): Buffer[] {
  const rest = [...slices]
  for (const lengthOf of [markLength, spaceLength]) {
    for (let [first] = rest; first; [first] = rest) {
      const length = lengthOf(first)
      if (length < first.length) {
        rest[0] = first.subarray(length)
        break
      }
      rest.shift()
    }
  }
  return rest
}

function spaceLength(bytes: Buffer): number {
  let at = 0
  while (bytes[at] === 0x20 || bytes[at] === 0x0a || bytes[at] === 0x0d || bytes[at] === 0x09) at++
  return at
}

function createParser(builder: TreeBuilder): SaxesParser {
  const { SaxesParser } = loadSaxes()
  // At most seven handlers: with an eighth, V8 turns the parser into a dictionary-mode object, which is three times
  // slower.
  const parser = new SaxesParser({ position: false })
  const fail = (reason: string): never => {
    throw new Malformed(reason)
  }
  parser.on('error', () => fail(`the body is not well-formed XML (at position ${parser.position})`))
  // A DOCTYPE makes entity attacks possible: exponential expansion, or reading of files and hosts.
  parser.on('doctype', () => fail('the body has a DOCTYPE, which is not allowed'))
  let attributes = 0
  parser.on('opentagstart', ({ name }) => {
    attributes = 0
    if (builder.elements === MAX_VALUES) fail(`the body contains more than ${MAX_VALUES} values`)
    if (builder.depth === MAX_DEPTH) fail(`the body is nested deeper than ${MAX_DEPTH} levels`)
    // Calls `includes` first: names rarely have a prefix, and `includes` takes a third of the time of `lastIndexOf`.
    builder.open(name.includes(':') ? name.slice(name.lastIndexOf(':') + 1) : name)
  })
  parser.on('attribute', () => {
    if (++attributes > MAX_ATTRIBUTES) fail(`the body has an element with more than ${MAX_ATTRIBUTES} attributes`)
  })
  parser.on('text', (text) => builder.text(text))
  parser.on('cdata', (text) => builder.text(text))
  parser.on('closetag', () => builder.close())
  return parser
}

/** Loaded lazily, because few receivers get XML. Uses `require`, because a dynamic `import` needs a flag in Jest. */
function loadSaxes(): typeof import('saxes') {
  return require('saxes') as typeof import('saxes')
}
