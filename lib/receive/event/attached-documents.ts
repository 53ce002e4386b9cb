/** Finds the documents of an order documents event. Where they are is not documented, so the whole body is searched. */
import { isObject, textOf, type Json } from '../../events/entity'
import type { AttachedDocument } from '../../events/events'

type AttachedTo = Omit<AttachedDocument, 'document'>

/** Every object in every list named `documents`, in the order of the body. */
export function attachedDocuments(content: Json): AttachedDocument[] {
  const found: AttachedDocument[] = []
  collect(content, { party: 'unknown' }, found)
  return found
}

/** Recursion is safe, because bodies have a depth limit. */
function collect(value: unknown, place: AttachedTo, found: AttachedDocument[]): void {
  if (Array.isArray(value)) for (const entry of value) collect(entry, place, found)
  else if (isObject(value)) for (const [key, inner] of Object.entries(value)) collectField(key, inner, place, found)
}

function collectField(key: string, value: unknown, place: AttachedTo, found: AttachedDocument[]): void {
  if (!Array.isArray(value)) {
    const party = /^(buyer|supplier)(Order|Line)$/.exec(key)?.[1] as 'buyer' | 'supplier' | undefined
    collect(value, party === undefined ? place : { ...place, party }, found)
    return
  }
  for (const entry of value as unknown[]) {
    if (key === 'documents' && isObject(entry)) found.push({ document: entry, ...place })
    const lineId = key === 'lines' && isObject(entry) ? textOf(entry.id) : undefined
    collect(entry, lineId === undefined ? place : { ...place, lineId }, found)
  }
}
