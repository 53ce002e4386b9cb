/**
 * Describes errors by their names, messages, codes, stacks, causes and nested errors, and nothing else, because other
 * fields of an error may contain headers and credentials. Any value can be thrown, including objects with getters that
 * throw.
 */
import { basename, dirname } from 'node:path'
import { types } from 'node:util'
import { escapeControls, quote } from '../bytes/quote'

const MAX_MESSAGE = 2_000
/** Maximum number of characters of name and message together. */
const MAX_SUMMARY = 300
const MAX_FRAMES = 30
/** Maximum depth of nested causes and of errors in an AggregateError. */
const MAX_DEPTH = 8
const MAX_ERRORS = 10
const MAX_ALL = 50

/** The name and message of an error, quoted. */
export function describe(cause: unknown): string {
  return summaryOf(cause, (text) => quote(text, MAX_SUMMARY))
}

/** The name and message of an error on one line without quotes, for a field of its own. */
export function describeUnquoted(cause: unknown): string {
  return summaryOf(cause, (text) => escapeControls(text.length > MAX_SUMMARY ? `${text.slice(0, MAX_SUMMARY)}…` : text))
}

function summaryOf(cause: unknown, written: (text: string) => string): string {
  try {
    return isError(cause) ? written(`${nameOf(cause)}: ${messageOf(cause)}`) : `a thrown ${typeof cause}`
  } catch {
    return 'an error that cannot be read'
  }
}

/**
 * Where an error was thrown, such as ` at save (/app/erp.js:3:9)`: the first stack frame in the user's code, or else
 * the first one in another package. Empty if there is neither.
 */
export function locationOf(cause: unknown): string {
  const frames = framesOf(cause).filter((frame) => /:\d+:\d+\)?$/.test(frame) && !isNodes(frame) && !isOurs(frame))
  const frame = frames.find((one) => !/[\\/]node_modules[\\/]/.test(one)) ?? frames[0]
  return frame === undefined ? '' : ` at ${escapeControls(frame.slice(0, 300))}`
}

/** The stack and the causes as lines, for `DEBUG` only. */
export function explain(cause: unknown): string[] {
  const copy = copyOf(cause, new Set(), 0)
  return copy === undefined ? [describe(cause)] : linesOf(copy, '', '')
}

function linesOf(
  { name, message, code, stack = '', cause, errors = [] }: LoggedError,
  indent: string,
  label: string,
): string[] {
  const header = `${label}${name}: ${message}${code === undefined ? '' : ` (${code})`}`
  const own = [header, ...framesIn(stack, message).map((frame) => `    at ${frame}`)]
  const inner = cause instanceof LoggedError ? linesOf(cause, `${indent}  `, '[cause] ') : []
  const several = errors.flatMap((error, i) => linesOf(error, `${indent}  `, `[errors ${i}] `))
  return [...own.map((line) => indent + escapeControls(line)), ...inner, ...several]
}

/**
 * A copy for the logger: an error with only name, message, code, stack, causes and nested errors, without credentials.
 */
export function safeCopy(cause: unknown): Error | undefined {
  return copyOf(cause, new Set(), 0)
}

function copyOf(cause: unknown, seen: Set<unknown>, depth: number): LoggedError | undefined {
  if (!isError(cause) || seen.has(cause) || seen.size === MAX_ALL || depth > MAX_DEPTH) return undefined
  seen.add(cause)
  const [name, message, code] = [nameOf(cause), messageOf(cause), read(cause, 'code')]
  // A class with the name of the error, because pino shows the name of the class as the type.
  const Copy = { [name]: class extends LoggedError {} }[name] ?? LoggedError
  const copy = new Copy(message)
  const stack = [message === '' ? name : `${name}: ${message}`, ...framesOf(cause).map((frame) => `    at ${frame}`)]
  const inner = copyOf(read(cause, 'cause'), seen, depth + 1)
  const errors = errorsOf(cause).flatMap((error) => copyOf(error, seen, depth + 1) ?? [])
  const fields = {
    name,
    stack: stack.join('\n'),
    ...(inner && { cause: inner }),
    ...(errors.length > 0 && { errors }),
  }
  for (const [field, value] of Object.entries(fields))
    Object.defineProperty(copy, field, { value, configurable: true, writable: true })
  if (typeof code === 'string' || typeof code === 'number') copy.code = code
  return copy
}

class LoggedError extends Error {
  declare code?: string | number
  declare errors?: LoggedError[]

  /** Without this method, loggers that write JSON would omit name, message and stack, which are not enumerable. */
  toJSON(): object {
    const { name, message, code, stack, cause, errors } = this
    return { name, message, code, stack, cause, errors }
  }
}

function errorsOf(cause: unknown): unknown[] {
  try {
    const errors = read(cause, 'errors')
    return Array.isArray(errors) ? errors.slice(0, MAX_ERRORS) : []
  } catch {
    return []
  }
}

/** True for any error, even of another realm: test runners have their own `Error`. */
function isError(value: unknown): boolean {
  try {
    return types.isNativeError(value) || value instanceof Error
  } catch {
    return false // a proxy whose handler throws
  }
}

function read(value: unknown, field: string): unknown {
  try {
    return (value as Record<string, unknown>)[field]
  } catch {
    return undefined
  }
}

function textOf(value: unknown, field: string): string {
  const text = read(value, field)
  return typeof text === 'string' ? text : ''
}

function nameOf(cause: unknown): string {
  return textOf(cause, 'name').slice(0, 100) || 'Error'
}

function messageOf(cause: unknown): string {
  return redact(textOf(cause, 'message').slice(0, MAX_MESSAGE))
}

/** Removes credentials: some errors quote a URL or a header that contains them. */
function redact(text: string): string {
  return text
    .replace(/\/\/[^\s/?#]*@/g, '//***@')
    .replace(/\b([Bb]asic|[Bb]earer)\s+(?![a-z]+(?:[\s.,:;!?)"']|$))[^\s"',]+/g, '$1 ***')
}

/** The stack frames. The message is skipped, because it may contain lines that look like stack frames. */
function framesOf(cause: unknown): string[] {
  return isError(cause) ? framesIn(textOf(cause, 'stack'), textOf(cause, 'message')) : []
}

function framesIn(stack: string, message: string): string[] {
  const from = message === '' ? -1 : stack.indexOf(message)
  const frames: string[] = []
  for (const line of (from < 0 ? stack : stack.slice(from + message.length)).split('\n', 200)) {
    const frame = /^\s+at (.+)$/.exec(line)?.[1]
    if (frame !== undefined && frames.push(redact(frame)) === MAX_FRAMES) break
  }
  return frames
}

function isNodes(frame: string): boolean {
  return frame.startsWith('node:') || frame.startsWith('async node:') || frame.includes('(node:')
}

/** `__dirname` is not defined in a bundle that is an ES module. */
const HERE = typeof __dirname === 'string' ? __dirname : ''
/** The folder of this package's code. `undefined` in a bundle, where the user's code is in the same file. */
const OURS = basename(HERE) === 'log' ? dirname(HERE) : undefined

function isOurs(frame: string): boolean {
  return OURS !== undefined && (frame.includes(`${OURS}/`) || frame.includes(`${OURS}\\`))
}
