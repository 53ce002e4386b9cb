/**
 * Builds a JSON value from the elements of a tXML body. Independent of XML syntax: it receives names, texts and ends of
 * elements.
 */
import type { Issue } from '../events/events'
import { removePollutingKeys } from '../bytes/json'
import { bodyShape, type Field, type Shape } from './shape'

type Value = string | number | boolean | null | { [key: string]: Value | Value[] }

interface Element {
  /** `undefined` for the root element. */
  parent: Element | undefined
  /** The name of the field in JSON. */
  key: string
  /** `undefined` for the root element, and for an element that the schema of its parent does not contain. */
  field: Field | undefined
  shape: Shape | undefined
  /** The text that has arrived. Blank text is ignored once a child element has closed. */
  text: string
  /** Set once a child element has closed. */
  children: Record<string, Value | Value[]> | undefined
}

/** Matches numbers as in JSON: `007` and `0x1F` are not numbers. */
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/
/** White space as XML defines it: fewer characters than in JavaScript. */
const EDGES = /^[ \t\r\n]+|[ \t\r\n]+$/g
const BLANK = /^[ \t\r\n]*$/
/** Every child of `indicators` is converted to a boolean, even an unknown one: the text `false` would be truthy. */
const FLAG: Shape = { type: 'boolean' }
/** Maximum number of elements whose text is reported as an issue. */
const MAX_MIXED = 20

export class TreeBuilder {
  readonly issues: Issue[] = []
  /** The finished value, set when the root element closes. */
  root: Value | undefined
  /** JSON pointers of keys that were removed to prevent prototype pollution. Complete when the root element closes. */
  removedKeys: string[] = []
  /** Number of elements that were opened. */
  elements = 0
  depth = 0
  /** The innermost open element. */
  #current: Element | undefined
  #mayPollute = false

  /**
   * The content of the root element so far, without the text of open elements. If an entry of a list is still open, the
   * list contains only this entry.
   */
  get beginning(): Value | undefined {
    let value: Value | undefined
    for (let element = this.#current, inner: Element | undefined; element; inner = element, element = element.parent) {
      const open = inner && value !== undefined && { [inner.key]: inner.field?.list ? [value] : value }
      value = { ...element.children, ...open }
    }
    return value
  }

  /** Opens an element. `name` has no prefix. The name of the root element is not used. */
  open(name: string): void {
    this.elements++
    this.depth++
    const parent = this.#current
    const within = parent?.shape
    const field = within?.type === 'object' ? within.elements.get(name) : undefined
    const shape = parent === undefined ? bodyShape : (field?.shape ?? (parent.key === 'indicators' ? FLAG : undefined))
    const key = parent === undefined ? '' : (field?.key ?? name)
    this.#current = { parent, key, field, shape, text: '', children: undefined }
  }

  text(text: string): void {
    const element = this.#current
    if (element && (element.children === undefined || !BLANK.test(text))) element.text += text
  }

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
      this.issues.push({
        pointer: this.#pointerTo(element),
        message: 'contained text next to elements, which was left out',
      })
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
      // Uses `defineProperty`, because an assignment to a field named `__proto__` would set the prototype.
      Object.defineProperty(children, key, { value: first, configurable: true, enumerable: true, writable: true })
    } else children[key] = first
  }

  /** The pointer to an element, without indexes: an entry of a list gets the pointer of the list. */
  #pointerTo(element: Element): string {
    return element.parent === undefined ? '' : `${this.#pointerTo(element.parent)}/${element.key}`
  }
}

/**
 * The value of an element without children. The schema determines the value of an empty element: `null` for a number or
 * boolean, otherwise an empty text or an empty object.
 */
function valueOfText(text: string, shape: Shape | undefined): Value {
  if (shape === undefined || shape.type === 'text') return text
  if (shape.type === 'object') return BLANK.test(text) ? {} : text
  const trimmed = text.replace(EDGES, '')
  if (trimmed === '') return null
  if (shape.type === 'boolean') return trimmed === 'true' || (trimmed === 'false' ? false : text)
  const number = NUMBER.test(trimmed) ? Number(trimmed) : NaN
  return Number.isFinite(number) ? number : text
}
