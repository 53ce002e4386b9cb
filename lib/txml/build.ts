/** Puts a JSON value together while the elements of a tXML body come by. Knows no XML: names, text and ends only. */
import type { Issue } from '../events/events'
import { removePollutingKeys } from '../bytes/json'
import { bodyShape, type Field, type Shape } from './shape'

type Value = string | number | boolean | null | { [key: string]: Value | Value[] }

interface Element {
  /** Absent for the root element. */
  parent: Element | undefined
  /** Name in JSON. */
  key: string
  /** Absent for an element that no schema knows. */
  field: Field | undefined
  shape: Shape | undefined
  /** Once it has a child: only what is not blank. */
  text: string
  /** Once it has a child element. */
  children: Record<string, Value | Value[]> | undefined
}

/** As JSON writes them. What looks like a number to others, as `007` or `0x1F`, is none. */
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/
/** White space of XML, which is less than that of JavaScript. */
const EDGES = /^[ \t\r\n]+|[ \t\r\n]+$/g
const BLANK = /^[ \t\r\n]*$/
/** Every child of an `indicators` element is a flag, also one that no schema knows: the text `false` would be truthy. */
const FLAG: Shape = { type: 'boolean' }
/** More are not shown anyway. */
const MAX_MIXED = 20

export class TreeBuilder {
  readonly issues: Issue[] = []
  /** What it all comes to. Known at the end. */
  root: Value | undefined
  /** JSON pointers of keys that were taken out because they change prototypes. Known at the end. */
  removedKeys: string[] = []
  /** So many elements were opened so far. */
  elements = 0
  /** So many elements are open. */
  depth = 0
  /** The one that was opened last. */
  #current: Element | undefined
  #mayPollute = false

  /** `name` without a prefix. That of the root element does not matter. */
  open(name: string): void {
    this.elements++
    this.depth++
    const parent = this.#current
    const within = parent?.shape
    const field = within?.type === 'object' ? within.elements.get(name) : undefined
    const shape = parent === undefined ? bodyShape : (field?.shape ?? (parent.key === 'indicators' ? FLAG : undefined))
    this.#current = { parent, key: field?.key ?? name, field, shape, text: '', children: undefined }
  }

  text(text: string): void {
    const element = this.#current
    if (element && (element.children === undefined || !BLANK.test(text))) element.text += text
  }

  /** Closes the element that was opened last. */
  close(): void {
    const element = this.#current
    if (element === undefined) return
    const { parent } = element
    const value = this.#valueOf(element)
    this.depth--
    this.#current = parent
    if (parent) this.#add((parent.children ??= {}), element, value)
    else this.#finish(value)
  }

  #finish(root: Value): void {
    this.root = root
    if (this.#mayPollute) this.removedKeys = removePollutingKeys(root)
  }

  #valueOf(element: Element): Value {
    const { children, text, shape } = element
    if (children === undefined) return valueOfText(text, shape)
    if (!BLANK.test(text) && this.issues.length < MAX_MIXED)
      this.issues.push({ pointer: this.#pointerTo(element), message: 'held text beside elements, which was left out' })
    return children
  }

  #add(children: Record<string, Value | Value[]>, { key, field }: Element, value: Value): void {
    if (Object.hasOwn(children, key)) {
      const before = children[key] as Value | Value[]
      if (Array.isArray(before)) before.push(value)
      else children[key] = [before, value]
      return
    }
    const first = field?.list ? [value] : value
    if (key === '__proto__' || key === 'constructor') {
      this.#mayPollute = true
      // Plain assignment would set the prototype.
      Object.defineProperty(children, key, { value: first, configurable: true, enumerable: true, writable: true })
    } else children[key] = first
  }

  /** For what no list surrounds; the entries of lists are told apart by what stands in them. */
  #pointerTo(element: Element): string {
    return element.parent === undefined ? '' : `${this.#pointerTo(element.parent)}/${element.key}`
  }
}

/** An empty element is text where text is due, an object where an object is due, and `null` for number and boolean. */
function valueOfText(text: string, shape: Shape | undefined): Value {
  if (shape === undefined || shape.type === 'text') return text
  if (shape.type === 'object') return BLANK.test(text) ? {} : text
  const trimmed = text.replace(EDGES, '')
  if (trimmed === '') return null
  if (shape.type === 'boolean') return trimmed === 'true' || (trimmed === 'false' ? false : text)
  const number = NUMBER.test(trimmed) ? Number(trimmed) : NaN
  return Number.isFinite(number) ? number : text
}
