/**
 * Quotes a value from a request or an error for a log line: without line breaks or control characters, and truncated.
 */
export function quote(value: string, maxLength = 100): string {
  return quoteJson(value.length > maxLength ? `${value.slice(0, maxLength)}…` : value)
}

export function quoteJson(value: unknown): string {
  // JSON leaves some control characters unescaped, and terminals interpret them.
  return escapeControls(JSON.stringify(value))
}

/** Escapes the control characters of a text, such as a log line whose parts were not all quoted. */
export function escapeControls(text: string): string {
  return text.replace(
    /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
