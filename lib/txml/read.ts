/**
 * From the bytes of a tXML body to the value that its JSON twin has: strict XML 1.0 in UTF-8, without DOCTYPE and with
 * a cap on depth. Read in pieces, so that a large body does not keep the process from its other work.
 */
import { isUtf8 } from 'node:buffer'
import { setImmediate } from 'node:timers/promises'
import type { SaxesParser } from 'saxes'
import type { Issue } from '../events/events'
import { markLength, MAX_DEPTH, MAX_VALUES, nextCharacter, withoutNuls } from '../bytes/json'
import { TreeBuilder } from './build'

export type TxmlResult =
  { ok: true; value: unknown; removedKeys: string[]; issues: Issue[] } | { ok: false; reason: string }

/** About two milliseconds of work. The root element begins in the first one, or a DOCTYPE could be of any length. */
const PIECE_BYTES = 65_536
/** tXML has none at all, and the parser keeps those of an element until its tag ends. */
const MAX_ATTRIBUTES = 100

/** A reason for a refusal. The parser's own messages quote the body. */
class Malformed extends Error {}

/**
 * Reads one document. Skips byte order marks and white space at the start and NULs at the end, which strict XML does
 * not allow. Ignores the encoding in the declaration: .NET writes `utf-16` into texts that are sent as UTF-8. Stops
 * early when `unwanted` returns true: the request was answered.
 */
export async function readTxml(body: Buffer, unwanted: () => boolean = () => false): Promise<TxmlResult> {
  const [bytes = body] = withoutNuls([body])
  if (!isUtf8(bytes)) return { ok: false, reason: 'the body is not valid UTF-8' }
  const builder = new TreeBuilder()
  const parser = createParser(builder)
  try {
    const start = startOf(bytes)
    for (let at = start, end = at; at < bytes.length; at = end) {
      if (at > start) await setImmediate()
      if (unwanted()) return { ok: false, reason: 'no one waits for the body any more' }
      end = nextCharacter(bytes, at + PIECE_BYTES)
      parser.write(bytes.toString('utf8', at, end))
      if (builder.elements === 0) throw new Malformed(`the body has no root element in its first ${PIECE_BYTES} bytes`)
    }
    parser.close()
  } catch (error) {
    if (error instanceof Malformed) return { ok: false, reason: error.message }
    throw error
  }
  const { root, removedKeys, issues } = builder
  return { ok: true, value: root, removedKeys, issues }
}

function startOf(bytes: Buffer): number {
  let at = markLength(bytes)
  while (bytes[at] === 0x20 || bytes[at] === 0x0a || bytes[at] === 0x0d || bytes[at] === 0x09) at++
  return at
}

function createParser(builder: TreeBuilder): SaxesParser {
  const { SaxesParser } = loadSaxes()
  // With no more than seven handlers: with an eighth, V8 keeps the parser as a hash table, which makes it three times
  // slower.
  const parser = new SaxesParser({ position: false })
  const fail = (reason: string): never => {
    throw new Malformed(reason)
  }
  parser.on('error', () => fail(`the body is not well-formed XML (at position ${parser.position})`))
  // What entities can be made to do begins with it: expanding without end, or reading files and hosts.
  parser.on('doctype', () => fail('the body has a DOCTYPE, which is not allowed'))
  let attributes = 0
  parser.on('opentagstart', ({ name }) => {
    attributes = 0
    if (builder.elements === MAX_VALUES) fail(`the body holds more than ${MAX_VALUES} values`)
    if (builder.depth === MAX_DEPTH) fail(`the body is nested deeper than ${MAX_DEPTH} levels`)
    // Nearly no name has a prefix, and `includes` tells so at a third of the price of `lastIndexOf`.
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

/** Loaded with the first XML: few receivers get any. By `require`, as under Jest a dynamic `import` needs a flag. */
function loadSaxes(): typeof import('saxes') {
  return require('saxes') as typeof import('saxes')
}
