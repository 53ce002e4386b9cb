/** Indents JSON without changing a value: parsing and writing it again would round numbers and drop repeated keys. */

/** Matches one token: a string, a bracket, a separator, or anything else between them. */
export const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|[[\]{},:]|[^\s"[\]{},:]+/g

export function prettyJson(text: string): string | undefined {
  const json = text.replace(/^\ufeff/, '')
  if (!isJson(json)) return undefined
  const parts: string[] = []
  let depth = 0
  let before = ''
  for (const [token] of json.matchAll(TOKEN)) {
    const closes = token === ']' || token === '}'
    if (closes) depth--
    const isEmpty = closes && (before === '[' || before === '{')
    if (!isEmpty && (closes || before === '[' || before === '{' || before === ','))
      parts.push(`\n${'  '.repeat(depth)}`)
    parts.push(token === ':' ? ': ' : token)
    if (token === '[' || token === '{') depth++
    before = token
  }
  return parts.join('')
}

export function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
