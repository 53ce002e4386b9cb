/** The JSON Schemas accept everything that is documented, find errors, and describe every shape. */
import { execFileSync } from 'node:child_process'
import {
  schemas,
  type Order,
  type OrderDocuments,
  type OrderLine,
  type Shipment,
  type SingleDeliveryOrder,
} from '../../../lib/schema'
import {
  ajv,
  byId,
  check,
  complaints,
  type Field,
  fields,
  fixture,
  isText,
  type Node,
  type SchemaName,
  shapes,
  unknownFields,
  wherever,
} from './fields'

const FIXTURES: Array<[file: string, schema: SchemaName]> = [
  ['order-event', 'orderWebhookBody'],
  ['single-delivery-order-event', 'orderWebhookBody'],
  ['order-documents-event', 'orderWebhookBody'],
  ['shipment-event', 'shipmentWebhookBody'],
  ['order-fetched', 'order'],
  ['shipment-fetched', 'shipment'],
]

describe('the schemas', () => {
  it('compile in strict mode without a complaint', () => {
    for (const ref of shapes.keys()) expect(ajv.getSchema(ref)).toBeInstanceOf(Function)
    expect(complaints).toEqual([])
  })

  it('are a readonly list by name', () => {
    expect(Object.keys(schemas).sort()).toEqual([
      'common',
      'order',
      'orderDocuments',
      'orderParts',
      'orderWebhookBody',
      'shipment',
      'shipmentWebhookBody',
      'singleDeliveryOrder',
    ])
    expect(Object.isFrozen(schemas)).toBe(true)
  })

  it('describe every shape, and no field by its name alone', () => {
    const letters = (text: string): string => text.toLowerCase().replace(/[^a-z]/g, '')
    const repeats = fields.filter(({ name, node }) => letters(node.description ?? '') === letters(name))
    expect(fields.length).toBeGreaterThan(400)
    expect(repeats.map(({ ref, name }) => `${ref} ${name}`)).toEqual([])
    expect([...shapes].filter(([, shape]) => !shape.description).map(([ref]) => ref)).toEqual([])
  })

  it('use nothing that closes a shape, a list or an enumeration', () => {
    const used = new Set<string>()
    const collect = (node: Node): void => {
      for (const keyword of Object.keys(node)) used.add(keyword)
      for (const child of [...Object.values(node.properties ?? {}), ...Object.values(node.definitions ?? {})])
        collect(child)
      if (node.items) collect(node.items)
    }
    for (const schema of byId.values()) collect(schema)
    expect([...used].sort()).toEqual([
      '$id',
      '$ref',
      '$schema',
      'definitions',
      'description',
      'examples',
      'items',
      'pattern',
      'properties',
      'title',
      'type',
    ])
  })

  it('say the same of a field that both forms of an order have', () => {
    const { $id } = schemas.singleDeliveryOrder
    const plain = (node: unknown): string => JSON.stringify(node).replaceAll('SingleDelivery', '')
    const differing = wherever(({ ref, name, node }) => {
      if (!ref.startsWith(schemas.order.$id)) return false
      const other =
        ref === schemas.order.$id ? $id : ref.replace(schemas.order.$id, $id).replace(/(\w+)$/, 'SingleDelivery$1')
      const same = shapes.get(other)?.properties?.[name]
      return same !== undefined && plain(same) !== plain(node)
    })
    // `prices`: a single delivery line had this field in an earlier year only.
    expect(differing).toEqual([`${schemas.order.$id}#/definitions/OrderLine prices`])
  })

  it('have one pattern each for dates, times, local dates with time, and instants', () => {
    expect(new Set(fields.flatMap(({ target }) => target.pattern ?? [])).size).toBe(4)
  })

  it('are what the committed types were generated from', () => {
    expect(() =>
      execFileSync(process.execPath, ['lib/schema/generate-types.mjs', '--check'], { stdio: 'pipe' }),
    ).not.toThrow()
  })
})

describe('what Tradecloud sends', () => {
  it.each(FIXTURES)('%s fits the schema %s', (file, schema) => {
    expect(check(schema, fixture(file))).toEqual([])
  })

  it.each(FIXTURES)('%s has no field that the schema %s does not know', (file, schema) => {
    expect(unknownFields(fixture(file), schemas[schema] as Node, schemas[schema].$id)).toEqual([])
  })

  it('may lack any field, and have more', () => {
    for (const ref of shapes.keys()) {
      expect(check({ $ref: ref }, {})).toEqual([])
      expect(check({ $ref: ref }, { addedTomorrow: { by: ['Tradecloud'] } })).toEqual([])
    }
  })

  it('may have null in any field', () => {
    expect(wherever(({ ref, name }) => check({ $ref: ref }, { [name]: null }).length > 0)).toEqual([])
  })

  it('may have empty text in any text, a date or an instant too', () => {
    const texts = fields.filter(isText)
    expect(texts.length).toBeGreaterThan(200)
    expect(wherever(({ ref, name }) => check({ $ref: ref }, { [name]: '' }).length > 0, texts)).toEqual([])
  })

  it('may have a new value in any text but dates and times', () => {
    const texts = fields.filter(isText)
    const refused = wherever(
      ({ ref, name }) => check({ $ref: ref }, { [name]: 'New' })[0] === `/${name} pattern`,
      texts,
    )
    expect(refused).toEqual(wherever(({ target }) => target.pattern !== undefined, texts))
    expect(refused.every((field) => /(date|eta|etd|time|at)$/i.test(field))).toBe(true)
    expect(refused.length).toBeGreaterThan(30)
  })

  it('may have empty lists, and lists that are longer than documented', () => {
    const lines: OrderLine[] = Array.from({ length: 501 }, () => ({ deliverySchedule: [] }))
    expect(check('order', { lines } satisfies Order)).toEqual([])
  })

  const INSTANTS = [
    '2025-04-23T10:01:53.812Z',
    '2025-04-23T10:01:53Z',
    '2025-04-23T10:01:53',
    '2025-04-23T10:01:53.8',
    '',
    '2025-04-23T10:01:53+02:00',
    '2025-04-23T10:01:53.812345-0530',
    // Java's java.time leaves seconds out if they are zero.
    '2019-12-31T10:11',
    '2019-12-31T10:11Z',
    '2019-12-31T10:11+02:00',
    '2019-12-31T10:11-0530',
    '2019-12-31T10:11:12+02',
  ]
  it.each(INSTANTS)('may have the instant "%s"', (lastUpdatedAt) => {
    expect(check('order', { lastUpdatedAt, lines: [{ lastUpdatedAt }] } satisfies Order)).toEqual([])
    expect(check('shipment', { meta: { lastUpdatedAt } } satisfies Shipment)).toEqual([])
  })

  it.each(['12:13:14', '12:13', '12:13:14.500', ''])('may have the time "%s"', (time) => {
    const destination = { etaStartTime: time, etaEndTime: time, scheduledStartTime: time, scheduledEndTime: time }
    expect(check('shipment', { locations: { destinations: [destination] } } satisfies Shipment)).toEqual([])
  })

  it.each(['2022-05-01T09:30:00', '2022-05-01T09:30', '2022-05-01T09:30:00.5', ''])(
    'may have the local date and time "%s"',
    (despatchAdviceErpIssueDateTime) => {
      const meta = { supplierErpMeta: { despatchAdviceErpIssueDateTime } }
      expect(check('shipment', { meta } satisfies Shipment)).toEqual([])
    },
  )

  it('may have the fields that single sources show', () => {
    const user = { email: 'a@b.example', userName: 'a' }
    const status = { inProgressStatus: 'OpenSupplierProposal', deliveryLineStatus: 'Open' }
    const supplierIndicators = { accepted: true, rejected: false, cancelled: false, shipped: true }
    const place = { locationName: 'Dock 4', locationType: 'warehouse' }
    const order = {
      buyerOrder: { indicators: { noDeliveryExpected: true }, erpIssuedBy: user, erpLastChangedBy: user },
      supplierOrder: {
        indicators: supplierIndicators,
        erpResponseDateTime: '2026-11-20T13:40',
        erpRespondedBy: user,
      },
      status,
      lines: [{ status, supplierLine: { indicators: supplierIndicators }, buyerLine: { deliverySchedule: [place] } }],
    } satisfies Order
    expect(check('order', order)).toEqual([])
    expect(unknownFields(order, schemas.order as Node, schemas.order.$id)).toEqual([])

    const single = { lines: [{ statusLine: { scheduledDelivery: { position: '0001', ...place } } }] }
    expect(check('singleDeliveryOrder', single satisfies SingleDeliveryOrder)).toEqual([])
    expect(unknownFields(single, schemas.singleDeliveryOrder as Node, schemas.singleDeliveryOrder.$id)).toEqual([])

    const shipment = { supplierShipment: { shipmentCompanyName: 'Rijnvaart' } } satisfies Shipment
    expect(check('shipment', shipment)).toEqual([])
    expect(unknownFields(shipment, schemas.shipment as Node, schemas.shipment.$id)).toEqual([])
  })

  it('may have documents in the shape of the API that attaches them', () => {
    const documents = [{ code: 'DRW-40' }]
    const attached = { documents, lines: [{ id: '1', documents }] } satisfies OrderDocuments
    expect(check('orderDocuments', attached)).toEqual([])
    expect(unknownFields(attached, schemas.orderDocuments as Node, schemas.orderDocuments.$id)).toEqual([])
  })

  it('may have the names of earlier years', () => {
    const price = { priceInLocalCurrency: { value: 1.5, currencyIso: 'EUR' } }
    const order = {
      id: '3e0f6d52-41c7-4d3b-9f0c-7a5e2b8c1d60-PO1',
      lastChangedAt: '2022-05-01T10:00:00Z',
      lines: [
        {
          prices: { netPrice: price },
          supplierLine: { position: '0010', proposal: { status: 'Proposed', prices: { netPrice: price } } },
        },
      ],
    } satisfies Order
    expect(check('order', order)).toEqual([])
    expect(unknownFields(order, schemas.order as Node, schemas.order.$id)).toEqual([])

    const shipment = {
      trackingNumber: '1Z999AA10123456784',
      locations: {
        departure: { actualDate: '2022-05-01' },
        destination: { scheduledStartDate: '2022-05-02' },
        finalDestination: {
          scheduledStartTime: '08:00:00',
          scheduledEndDate: '2022-05-03',
          scheduledEndTime: '12:13:14',
        },
      },
      lines: [{ meta: { supplierErpMeta: { despatchAdviceErpIssueDateTime: '2022-05-01T09:30:00' } } }],
    } satisfies Shipment
    expect(check('shipment', shipment)).toEqual([])
    expect(unknownFields(shipment, schemas.shipment as Node, schemas.shipment.$id)).toEqual([])

    const simpleOrderEvent = {
      orderId: '3e0f6d52-41c7-4d3b-9f0c-7a5e2b8c1d60-PO1',
      lines: [{ scheduledDelivery: { date: '2023-10-01', quantity: 3 }, prices: { netPrice: price } }],
    } satisfies SingleDeliveryOrder
    const body = { eventName: 'OrderIssuedByBuyer', simpleOrderEvent }
    expect(check('orderWebhookBody', body)).toEqual([])
    expect(unknownFields(body, schemas.orderWebhookBody as Node, schemas.orderWebhookBody.$id)).toEqual([])
  })
})

describe('what is wrong', () => {
  it('is one deviation of type in any field with a documented type', () => {
    const unlike = ({ ref, name, target }: Field): boolean => {
      const found = check({ $ref: ref }, { [name]: target.type?.includes('object') ? 'text' : { an: 'object' } })
      return found.length !== 1 || found[0] !== `/${name} type`
    }
    const typed = fields.filter(({ target }) => target.type !== undefined)
    expect(wherever(unlike, typed)).toEqual([])
    const untyped = new Set(fields.filter((field) => !typed.includes(field)).map(({ name }) => name))
    expect([...untyped].sort()).toEqual([
      'customLabels',
      'deliveryLineStatus',
      'eventDates',
      'predictions',
      'totalAmountIncludingRequests',
    ])
  })

  it('is a null as an entry of any list', () => {
    const lists = fields.filter(({ target }) => target.items !== undefined)
    expect(lists.length).toBeGreaterThan(50)
    const unlike = ({ ref, name }: Field): boolean => check({ $ref: ref }, { [name]: [null] })[0] !== `/${name}/0 type`
    expect(wherever(unlike, lists)).toEqual([])
  })

  it('is found deep in a body, with its pointer', () => {
    // eslint-disable-next-line @typescript-eslint/no-explicit-any -- wrong on purpose
    const body = fixture('order-event') as any
    body.orderEvent.version = '7'
    body.orderEvent.buyerOrder.buyerParty.names = 'Noordzee Machines B.V.'
    body.orderEvent.lines[0].confirmedLine.deliverySchedule[1].quantity = '200'
    body.orderEvent.lines[0].prices.netPrice.priceInBaseCurrency = 3
    body.orderEvent.lines[0].deliverySchedule[1].eta = '18-12-2026'
    expect(check('orderWebhookBody', body).sort()).toEqual([
      '/orderEvent/buyerOrder/buyerParty/names type',
      '/orderEvent/lines/0/confirmedLine/deliverySchedule/1/quantity type',
      '/orderEvent/lines/0/deliverySchedule/1/eta pattern',
      '/orderEvent/lines/0/prices/netPrice/priceInBaseCurrency type',
      '/orderEvent/version type',
    ])
  })

  it('is found in a single delivery order, in documents and in a shipment', () => {
    const body = {
      singleDeliveryOrderEvent: { lines: [{ statusLine: { scheduledDelivery: { quantity: 'ten' } } }] },
      orderDocumentsEvent: { lines: [{ supplierLine: { documents: ['DRW-40'] } }] },
      meta: { messageId: 12 },
    }
    expect(check('orderWebhookBody', body).sort()).toEqual([
      '/meta/messageId type',
      '/orderDocumentsEvent/lines/0/supplierLine/documents/0 type',
      '/singleDeliveryOrderEvent/lines/0/statusLine/scheduledDelivery/quantity type',
    ])
    const shipment = {
      supplierShipment: { contacts: [null] },
      locations: { destinations: [{ etaDate: 'Friday', etaStartTime: "8 o'clock" }] },
      meta: { supplierErpMeta: { despatchAdviceErpIssueDateTime: 'yesterday' } },
    }
    expect(check('shipmentWebhookBody', { shipment }).sort()).toEqual([
      '/shipment/locations/destinations/0/etaDate pattern',
      '/shipment/locations/destinations/0/etaStartTime pattern',
      '/shipment/meta/supplierErpMeta/despatchAdviceErpIssueDateTime pattern',
      '/shipment/supplierShipment/contacts/0 type',
    ])
  })

  it('is a body that is no object', () => {
    expect(check('orderWebhookBody', null)).toEqual([' type'])
    expect(check('shipmentWebhookBody', [])).toEqual([' type'])
    expect(check('order', [])).toEqual([' type'])
  })

  it.each(['2025-04-23', '2025-04-23 10:01:53', '2025-04-23T10', '2025-04-23T10:01.5', '2025-04-23T10:01:53Z ', 'now'])(
    'is the instant "%s"',
    (lastUpdatedAt) => {
      expect(check('order', { lastUpdatedAt })).toEqual(['/lastUpdatedAt pattern'])
    },
  )

  it.each(['2025-4-23', '20250423', '2025-04-23T00:00:00', ' '])('is the date "%s"', (date) => {
    expect(check('order', { lines: [{ deliverySchedule: [{ date }] }] })).toEqual([
      '/lines/0/deliverySchedule/0/date pattern',
    ])
  })
})
