/** From the JSON of a body to a typed event: the field determines the kind, and almost nothing is refused. */
import { identify, readEvent, type Identified, type ReadEvent } from '../../../../lib/receive/event/read-event'

function identified(body: unknown): Identified {
  const found = identify(body)
  if (!found.ok) throw new Error(`refused: ${JSON.stringify(found)}`)
  return found
}

function read(body: unknown, urlId?: string): ReadEvent {
  const result = readEvent(identified(body), 'POST', urlId, [])
  if (!result.ok) throw new Error(`refused: ${JSON.stringify(result)}`)
  return result
}

describe('the kind', () => {
  it.each([
    ['orderEvent', 'order', 'deliverySchedule', 'orderWebhookBody'],
    ['singleDeliveryOrderEvent', 'order', 'singleDelivery', 'orderWebhookBody'],
    ['simpleOrderEvent', 'order', 'singleDelivery', 'orderWebhookBody'],
    ['orderDocumentsEvent', 'orderDocuments', 'deliverySchedule', 'orderWebhookBody'],
    ['shipment', 'shipment', 'deliverySchedule', 'shipmentWebhookBody'],
  ])('of %s is %s', (field, kind, lineForm, schema) => {
    const content = { id: '1' }
    const body = { eventName: 'NameOfTomorrow', [field]: content }
    expect(identify(body)).toEqual({
      ok: true,
      kind,
      lineForm,
      schema,
      eventName: 'NameOfTomorrow',
      body,
      content,
      pointer: `/${field}`,
      issues: [],
    })
  })

  it('does not need an event name', () => {
    expect(identify({ orderEvent: {} })).toMatchObject({ ok: true, kind: 'order', eventName: undefined })
    expect(identify({ eventName: 5, shipment: {} })).toMatchObject({ ok: true, kind: 'shipment', eventName: undefined })
  })

  it.each([
    ['OrderIssuedByBuyer', 'order', ['/shipment', '/orderDocumentsEvent']],
    ['OrderDocumentsAttachedByBuyer', 'orderDocuments', ['/orderEvent', '/shipment']],
    ['ShipmentIssuedBySupplier', 'shipment', ['/orderEvent', '/orderDocumentsEvent']],
    ['NameOfTomorrow', 'order', ['/shipment', '/orderDocumentsEvent']],
  ])('of several fields is what the name %s says, and the rest is listed', (eventName, kind, pointers) => {
    const found = identified({ shipment: {}, eventName, orderDocumentsEvent: {}, orderEvent: {} })
    expect(found.kind).toBe(kind)
    expect(found.issues.map(({ pointer }) => pointer).sort()).toEqual(pointers.sort())
  })

  it('ignores fields that are null', () => {
    const body = { eventName: 'X', orderEvent: null, singleDeliveryOrderEvent: undefined, shipment: { id: '1' } }
    expect(identify(body)).toMatchObject({ kind: 'shipment', issues: [] })
  })

  it('of a field that holds no object is that of the field that does', () => {
    const order = { orderId: '1' }
    const body = { eventName: 'OrderIssuedByBuyer', orderEvent: '', singleDeliveryOrderEvent: order }
    expect(identify(body)).toMatchObject({ ok: true, kind: 'order', lineForm: 'singleDelivery', content: order })
  })

  it('is unknown with a name alone', () => {
    const body = { eventName: 'InvoiceSent', invoice: { id: '1' } }
    expect(identify(body)).toMatchObject({ ok: true, kind: 'unknown', eventName: 'InvoiceSent', content: body })
    expect(identified(body).schema).toBeUndefined()
  })

  it.each([
    ['buyerOrder', { id: '1', buyerOrder: {} }],
    ['supplierOrder', { id: '1', supplierOrder: {} }],
    ['lines', { id: '1', lines: [] }],
  ])('of an order without an envelope is known by its %s', (_by, body) => {
    expect(identify(body)).toMatchObject({ ok: true, kind: 'order', schema: 'order', content: body, pointer: '' })
  })

  it.each([
    ['null', null],
    ['a text', 'order'],
    ['a number', 1],
    ['a list', [{ eventName: 'X' }]],
    ['an empty object', {}],
    ['a blank event name', { eventName: '  ' }],
    ['an ID alone', { id: '1' }],
    ['a part of an order without ID', { buyerOrder: {}, id: '' }],
    ['fields that are null', { orderEvent: null, shipment: null }],
  ])('%s is no event', (_what, body) => {
    expect(identify(body)).toMatchObject({ ok: false, outcome: 'invalid_body', issues: [{ pointer: '' }] })
  })

  it.each([
    ['OrderIssuedByBuyer', { orderEvent: null }, 'orderEvent, singleDeliveryOrderEvent, simpleOrderEvent'],
    ['OrderIssuedByBuyer', {}, 'orderEvent'],
    ['OrderLinesCancelledBySupplier', { orderEvent: '', orderDocumentsEvent: null }, 'orderEvent'],
    ['OrderIssuedByBuyer', { order: { orderId: '1' } }, 'orderEvent'],
    ['OrderDocumentsAttachedBySupplier', { orderDocumentsEvent: undefined }, 'orderDocumentsEvent'],
    ['ShipmentApprovedByBuyer', { shipment: null, meta: {} }, 'shipment'],
    ['ShipmentApprovedByBuyer', { id: '1', lines: [] }, 'shipment'],
  ])('%s without its event is none: %j', (eventName, more, field) => {
    const message = expect.stringContaining(field) as string
    expect(identify({ eventName, ...more })).toMatchObject({
      ok: false,
      outcome: 'invalid_body',
      issues: [{ pointer: '', message }],
    })
  })

  it('of an order without an envelope may have a known name', () => {
    const body = { eventName: 'OrderIssuedByBuyer', id: '1', lines: [], orderEvent: null }
    expect(identify(body)).toMatchObject({ ok: true, kind: 'order', schema: 'order', content: body, pointer: '' })
  })

  it.each([
    ['orderEvent', 'text'],
    ['singleDeliveryOrderEvent', []],
    ['shipment', 5],
    ['orderDocumentsEvent', true],
  ])('a %s that is no object is named', (field, content) => {
    expect(identify({ eventName: 'X', [field]: content })).toMatchObject({
      ok: false,
      outcome: 'invalid_body',
      issues: [{ pointer: `/${field}`, message: 'must be an object' }],
    })
  })
})

describe('an order event', () => {
  it('holds the order as it came, its lines, state and meta', () => {
    const order = { orderId: 'O-1', version: 7, lastUpdatedAt: '2025-04-23T10:01:53.812Z', lines: [{ id: 'L' }], x: 1 }
    const meta = { messageId: 'm', extra: 1 }
    const { event, entity } = read({ eventName: 'OrderIssuedByBuyer', orderEvent: order, meta })
    expect(event).toEqual({
      kind: 'order',
      eventName: 'OrderIssuedByBuyer',
      method: 'POST',
      completeness: 'affected-lines',
      lineForm: 'deliverySchedule',
      orderId: 'O-1',
      version: 7,
      lastUpdatedAt: order.lastUpdatedAt,
      meta,
      order,
      affectedLines: order.lines,
      issues: [],
    })
    expect((event as { order: unknown }).order).toBe(order)
    expect(entity).toEqual({ kind: 'order', id: 'O-1' })
  })

  it.each<[string, object, string | undefined, string]>([
    ['orderId', { orderId: 'A', id: 'B' }, 'C', 'A'],
    ['id of early bodies', { id: 'B' }, 'C', 'B'],
    ['id beside an empty orderId', { orderId: '', id: 'B' }, undefined, 'B'],
    ['id beside a null orderId', { orderId: null, id: 'B' }, undefined, 'B'],
    ['a number', { orderId: 4711 }, undefined, '4711'],
    ['the URL', {}, 'C', 'C'],
    ['the URL beside a blank one', { orderId: ' ' }, 'C', 'C'],
  ])('takes its ID from %s', (_from, order, urlId, expected) => {
    const { event, entity } = read({ orderEvent: order }, urlId)
    expect(event).toMatchObject({ orderId: expected })
    expect(entity).toEqual({ kind: 'order', id: expected })
  })

  it.each([
    [{ orderEvent: {} }, '/orderEvent/orderId'],
    [{ orderEvent: { orderId: '', id: null } }, '/orderEvent/orderId'],
    [{ orderDocumentsEvent: { orderId: {} } }, '/orderDocumentsEvent/orderId'],
    [{ shipment: { orderId: 'O-1' } }, '/shipment/id'],
  ])('%j without an ID is refused', (body, pointer) => {
    expect(readEvent(identified(body), 'PUT', undefined, [])).toMatchObject({
      ok: false,
      outcome: 'invalid_body',
      issues: [{ pointer }],
    })
  })

  it('keeps the deviations that were found, its own first', () => {
    const found = identified({ orderEvent: { id: '1' }, shipment: {} })
    const result = readEvent(found, 'PUT', undefined, [{ pointer: '/x', message: 'y' }])
    expect(result).toMatchObject({ event: { method: 'PUT', issues: [{ pointer: '/shipment' }, { pointer: '/x' }] } })
  })

  it.each([undefined, null, '', 'x', {}, 5])('with lines %p has no affected lines', (lines) => {
    expect(read({ orderEvent: { id: '1', lines } }).event).toMatchObject({ affectedLines: [] })
  })

  it.each([
    [{ version: '12' }, 12],
    [{ version: '' }, undefined],
    [{ version: 'new' }, undefined],
    [{ version: 1.5 }, undefined],
    [{ version: null }, undefined],
    [{ version: 0 }, 0],
  ])('reads the version of %j', (state, version) => {
    expect(read({ orderEvent: { id: '1', ...state } }).event.version).toBe(version)
  })

  it('reads lastChangedAt of earlier years', () => {
    const lastChangedAt = '2023-01-01T00:00:00Z'
    expect(read({ orderEvent: { id: '1', lastChangedAt } }).event.lastUpdatedAt).toBe(lastChangedAt)
    const both = { id: '1', lastChangedAt, lastUpdatedAt: '2024-01-01T00:00:00Z' }
    expect(read({ orderEvent: both }).event.lastUpdatedAt).toBe(both.lastUpdatedAt)
    expect(read({ shipment: { id: '1', meta: { lastChangedAt } } }).event.lastUpdatedAt).toBe(lastChangedAt)
  })

  it('has the meta inside the event, else beside it', () => {
    const inside = { messageId: 'inside' }
    const beside = { messageId: 'beside' }
    expect(read({ orderEvent: { id: '1', meta: inside }, meta: beside }).event.meta).toBe(inside)
    expect(read({ orderEvent: { id: '1', meta: null }, meta: beside }).event.meta).toBe(beside)
    expect(read({ orderEvent: { id: '1', meta: 'x' } }).event.meta).toBeUndefined()
  })
})

describe('whether the same bytes are the same event', () => {
  it.each<[object, boolean]>([
    [{ orderEvent: { id: '1', version: 3 } }, true],
    [{ orderEvent: { id: '1', version: 0 } }, true],
    [{ orderEvent: { id: '1', lastUpdatedAt: '2025-01-01' } }, true],
    [{ orderEvent: { id: '1', meta: { messageId: 'm' } } }, true],
    [{ orderEvent: { id: '1' }, meta: { messageId: 'm' } }, true],
    [{ orderEvent: { id: '1', meta: {} }, meta: { messageId: 'm' } }, true],
    [{ orderEvent: { id: '1' } }, false],
    [{ orderEvent: { id: '1', lastUpdatedAt: '', version: null }, meta: { messageId: '' } }, false],
    [{ orderEvent: { id: '1', meta: { source: {} } } }, false],
    [{ shipment: { id: '1', meta: { lastUpdatedAt: '2025-01-01' } } }, true],
    [{ shipment: { id: '1', version: 3 } }, false],
    [{ shipment: { id: '1', meta: { messageId: 'm' } } }, false],
    [{ shipment: { id: '1' }, meta: { messageId: 'm' } }, true],
    [{ eventName: 'OrderResentByBuyer', orderEvent: { id: '1', version: 3 }, meta: { messageId: 'm' } }, false],
    [{ eventName: 'OrderResentBySupplier', orderEvent: { id: '1', meta: { messageId: 'm' } } }, false],
    [{ eventName: 'ShipmentResentByBuyer', shipment: { id: '1', meta: { lastUpdatedAt: '2025-01-01' } } }, false],
    [{ eventName: 'InvoiceResentByBuyer', meta: { messageId: 'm' } }, false],
    [{ eventName: 'OrderRepresentedByBuyer', orderEvent: { id: '1', version: 3 } }, true],
    [{ eventName: 'InvoiceSent' }, false],
    [{ eventName: 'InvoiceSent', meta: { messageId: 'm' } }, true],
  ])('%j: %p', (body, expected) => {
    expect(read(body).identified).toBe(expected)
  })
})

describe('other events', () => {
  it('a shipment is whole, and its own meta is not the message meta', () => {
    const shipment = { id: 'S-1', meta: { lastUpdatedAt: '2025-01-01T00:00:00' }, lines: [] }
    const { event, entity } = read({ eventName: 'ShipmentIssuedBySupplier', shipment, meta: { messageId: 'm' } })
    expect(event).toEqual({
      kind: 'shipment',
      eventName: 'ShipmentIssuedBySupplier',
      method: 'POST',
      completeness: 'all-lines',
      shipmentId: 'S-1',
      shipment,
      version: undefined,
      lastUpdatedAt: '2025-01-01T00:00:00',
      meta: { messageId: 'm' },
      issues: [],
    })
    expect(entity).toEqual({ kind: 'shipment', id: 'S-1' })
  })

  it('a shipment takes its ID from the URL where it has none', () => {
    expect(read({ shipment: {} }, 'S-2').event).toMatchObject({ shipmentId: 'S-2' })
  })

  it('an unknown event has the whole body and no entity', () => {
    const body = { eventName: 'InvoiceSent', invoice: { id: '1' } }
    const { event, entity } = read(body, 'O-1')
    expect(event).toMatchObject({ kind: 'unknown', eventName: 'InvoiceSent', body, issues: [] })
    expect(entity).toBeUndefined()
  })

  it('documents are collected from all places, in order, with where they hang', () => {
    const order = {
      orderId: 'O-1',
      buyerOrder: { documents: [{ code: 'b1' }, null, 'x', { code: 'b2' }] },
      supplierOrder: { documents: [{ code: 's1' }] },
      lines: [
        { id: 'L1', buyerLine: { documents: [{ code: 'lb' }] }, supplierLine: { documents: [{ code: 'ls' }] } },
        null,
        'x',
        { buyerLine: { documents: [{ code: 'no line ID' }] }, supplierLine: 'x' },
        { id: 'L3', buyerLine: { documents: { code: 'no list' } } },
      ],
    }
    const { event, entity } = read({ eventName: 'OrderDocumentsAttachedByBuyer', orderDocumentsEvent: order })
    expect(event).toMatchObject({ kind: 'orderDocuments', completeness: 'affected-lines', orderId: 'O-1' })
    expect((event as { documents: unknown }).documents).toEqual([
      { document: { code: 'b1' }, party: 'buyer' },
      { document: { code: 'b2' }, party: 'buyer' },
      { document: { code: 's1' }, party: 'supplier' },
      { document: { code: 'lb' }, party: 'buyer', lineId: 'L1' },
      { document: { code: 'ls' }, party: 'supplier', lineId: 'L1' },
      { document: { code: 'no line ID' }, party: 'buyer' },
    ])
    expect((event as { order: unknown }).order).toBe(order)
    expect(entity).toEqual({ kind: 'order', id: 'O-1' })
  })

  it('documents are collected from the places of the API that attaches them, of an unknown party', () => {
    const [top, ofLine] = [{ code: 'top' }, { code: 'line' }]
    const orderDocumentsEvent = { orderId: 'O-1', documents: [top], lines: [{ id: 'L1', documents: [ofLine] }] }
    const { event } = read({ eventName: 'OrderDocumentsAttachedBySupplier', orderDocumentsEvent })
    expect(event).toMatchObject({ issues: [] })
    expect((event as { documents: unknown }).documents).toEqual([
      { document: top, party: 'unknown' },
      { document: ofLine, party: 'unknown', lineId: 'L1' },
    ])
  })

  it('documents are collected wherever a list of that name stands', () => {
    const orderDocumentsEvent = {
      orderId: 'O-1',
      attached: { header: { documents: [{ code: 'deep' }] } },
      lines: [
        {
          id: 'L1',
          parts: [{ documents: [{ code: 'in a list' }] }],
          supplierLine: { requests: { proposal: { documents: [{ code: 'request' }] } } },
          buyerLine: { documents: [{ code: 'outer', documents: [{ code: 'inner' }] }] },
        },
        { lines: [{ id: 'L2', documents: [{ code: 'nested line' }] }] },
      ],
    }
    expect(read({ orderDocumentsEvent }).event).toMatchObject({
      documents: [
        { document: { code: 'deep' }, party: 'unknown' },
        { document: { code: 'in a list' }, party: 'unknown', lineId: 'L1' },
        { document: { code: 'request' }, party: 'supplier', lineId: 'L1' },
        { document: { code: 'outer' }, party: 'buyer', lineId: 'L1' },
        { document: { code: 'inner' }, party: 'buyer', lineId: 'L1' },
        { document: { code: 'nested line' }, party: 'unknown', lineId: 'L2' },
      ],
      issues: [],
    })
  })

  it.each([
    {},
    { buyerOrder: null },
    { lines: {} },
    { lines: [{}] },
    { buyerOrder: { documents: null } },
    { documents: [null, 'x', []] },
    { document: [{ code: 'x' }] },
  ])('documents in %j are none, which is an issue', (more) => {
    expect(read({ orderDocumentsEvent: { orderId: '1', ...more } }).event).toMatchObject({
      documents: [],
      issues: [{ pointer: '/orderDocumentsEvent', message: 'contains no document in a list named documents' }],
    })
  })
})
