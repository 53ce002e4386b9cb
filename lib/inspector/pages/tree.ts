/**
 * Reads the beginning of a body as a tree. It is read token by token, because a truncated body cannot be parsed, and
 * because parsing would change numbers and drop repeated keys.
 */
import { SaxesParser } from 'saxes'
import { isJson, TOKEN } from '../../views/json'

export interface Tree {
  /** Key of a value in an object, name of an XML element, or `@name` for an attribute. */
  label?: string | undefined
  /** The kind of node; absent for a simple value. */
  shape?: '{}' | '[]' | '<>' | undefined
  /** A JSON value as sent, or the text of an XML element or attribute. Absent if the node has a shape. */
  value?: string | undefined
  children: Tree[]
}

export interface TreeOfBody {
  root: Tree
  /** True if some content is not shown. */
  isCut: boolean
}

const MAX_NODES = 2_000
const MAX_DEPTH = 40

class Builder {
  readonly top: Tree = { children: [] }
  /** The open nodes, from `top` to the innermost. `top` contains the root. */
  readonly path: Tree[] = [this.top]
  #nodes = 0

  get open(): Tree {
    return this.path.at(-1) ?? this.top
  }

  get isFull(): boolean {
    return this.#nodes >= MAX_NODES || this.path.length > MAX_DEPTH
  }

  add(node: Omit<Tree, 'children'>): Tree {
    const added: Tree = { ...node, children: [] }
    this.#nodes++
    this.open.children.push(added)
    return added
  }

  enter(node: Omit<Tree, 'children'>): void {
    this.path.push(this.add(node))
  }

  leave(): void {
    this.path.pop()
  }
}

/** Returns `undefined` if the text is not JSON. `isWhole`: the text is the whole body, not only its beginning. */
export function treeOfJson(text: string, isWhole: boolean): TreeOfBody | undefined {
  const json = text.replace(/^\ufeff/, '')
  if (isWhole && !isJson(json)) return undefined
  const builder = new Builder()
  let end = 0
  let label: string | undefined
  for (const { 0: token, index } of json.matchAll(TOKEN)) {
    // Characters between two tokens belong to a string that is cut off.
    if (json.slice(end, index).trim() !== '') break
    if (builder.path.length === 1 && builder.top.children.length > 0) return undefined
    if (builder.isFull) return { root: rootOf(builder), isCut: true }
    end = index + token.length
    const isKey = builder.open.shape === '{}' && label === undefined
    if (token === '}' || token === ']') {
      if (builder.open.shape !== (token === '}' ? '{}' : '[]')) return undefined
      builder.leave()
    } else if (token === '{' || token === '[') {
      builder.enter({ label, shape: token === '{' ? '{}' : '[]' })
      label = undefined
    } else if (token === ':' || token === ',') {
      continue
    } else if (isKey && token.startsWith('"')) {
      label = keyOf(token)
    } else {
      if (!token.startsWith('"') && !/^(?:true|false|null|-?\d[\d.eE+-]*)$/.test(token)) break
      builder.add({ label, value: token })
      label = undefined
    }
  }
  const isComplete = builder.path.length === 1 && json.slice(end).trim() === ''
  if (builder.top.children.length === 0) return undefined
  return { root: rootOf(builder), isCut: !isComplete }
}

/**
 * `isWhole`: the text is the whole body, not only its beginning. Returns `undefined` if a whole body is not XML, or if
 * a beginning contains no element.
 */
export function treeOfXml(text: string, isWhole: boolean): TreeOfBody | undefined {
  const builder = new Builder()
  const parser = new SaxesParser({ position: false })
  const full = new Error('full')
  const check = (): void => {
    if (builder.isFull) throw full
  }
  parser.on('error', (error) => {
    throw error
  })
  parser.on('opentag', ({ name, attributes }) => {
    check()
    builder.enter({ label: name, shape: '<>' })
    for (const [key, value] of Object.entries<unknown>(attributes)) {
      check()
      builder.add({ label: `@${key}`, value: String(value) })
    }
  })
  const addText = (value: string): void => {
    if (value.trim() === '') return
    check()
    builder.add({ value: value.trim() })
  }
  parser.on('text', addText)
  parser.on('cdata', addText)
  parser.on('closetag', () => {
    const { open } = builder
    const [only] = open.children
    // An element that contains only text is a value.
    if (only?.label === undefined && only?.value !== undefined && open.children.length === 1)
      Object.assign(open, { shape: undefined, value: only.value, children: [] })
    builder.leave()
  })
  let isCut = false
  try {
    parser.write(text)
    if (isWhole) parser.close()
    else isCut = true
  } catch (error) {
    if (error !== full && isWhole) return undefined
    isCut = true
  }
  return builder.top.children.length === 0 ? undefined : { root: rootOf(builder), isCut }
}

function rootOf({ top }: Builder): Tree {
  return top.children[0] ?? top
}

function keyOf(token: string): string {
  try {
    return JSON.parse(token) as string
  } catch {
    return token
  }
}
