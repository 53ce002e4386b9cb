/** What elements mean, derived from the JSON Schemas: singular names of list entries, and no ambiguous name. */
import { bodyShape, entryName, type ObjectShape } from '../../../lib/txml/shape'

/** All shapes without repetitions, with the path to each. */
function shapes(): Map<ObjectShape, string> {
  const found = new Map<ObjectShape, string>([[bodyShape, '']])
  for (const [shape, path] of found) {
    for (const { key, shape: inner } of shape.keys.values()) {
      if (inner.type === 'object' && !found.has(inner)) found.set(inner, `${path}/${key}`)
    }
  }
  return found
}

test.each([
  ['names', 'name'],
  ['addressLines', 'addressLine'],
  ['properties', 'property'],
  ['documents', 'document'],
  ['notes', 'note'],
  ['labels', 'label'],
  ['lines', 'line'],
  ['dimensions', 'dimension'],
  ['chargeLines', 'chargeLine'],
  ['deliverySchedule', 'deliveryScheduleLine'],
  ['deliveryHistory', 'deliveryHistoryLine'],
  ['deliveryScheduleIncludingRequests', 'deliveryScheduleIncludingRequestsLine'],
])('an entry of %s is a %s', (list, entry) => expect(entryName(list)).toBe(entry))

test('each name of an element means one field', () => {
  const all = shapes()
  expect(all.size).toBeGreaterThan(40)
  for (const [shape, path] of all) {
    const names = [...shape.keys.values()].flatMap(({ element, key }) => (element === key ? [key] : [element, key]))
    expect([path, new Set(names).size]).toEqual([path, names.length])
    expect([path, shape.elements.size]).toEqual([path, names.length])
  }
})

test('the event fields of orders and of shipments are known', () => {
  expect([...bodyShape.keys.keys()].sort()).toEqual(
    [
      'eventName',
      'meta',
      'orderDocumentsEvent',
      'orderEvent',
      'shipment',
      'simpleOrderEvent',
      'singleDeliveryOrderEvent',
    ].sort(),
  )
})
