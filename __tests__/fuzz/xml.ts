/** XML of events according to the documented rules of tXML, and malicious XML. */
import type { Dice } from './dice'

const SINGULAR: Record<string, string> = {
  names: 'name',
  addressLines: 'addressLine',
  properties: 'property',
  documents: 'document',
  notes: 'note',
  labels: 'label',
  lines: 'line',
  dimensions: 'dimension',
  chargeLines: 'chargeLine',
  deliverySchedule: 'deliveryScheduleLine',
  deliveryHistory: 'deliveryHistoryLine',
}

export function xmlOf(event: unknown): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${element('WebhookBody', event)}`
}

function element(name: string, value: unknown): string {
  if (value === null || value === undefined) return ''
  if (Array.isArray(value)) return value.map((entry) => element(SINGULAR[name] ?? name, entry)).join('')
  const inner =
    typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean'
      ? Object.entries(value)
          .map(([key, child]) => element(key, child))
          .join('')
      : String(value).replace(/[&<>]/g, (char) => `&#${char.charCodeAt(0)};`)
  return `<${name}>${inner}</${name}>`
}

const wrapped = (inner: string): string =>
  `<WebhookBody><orderEvent><orderId>1</orderId><note>${inner}</note></orderEvent></WebhookBody>`

/** Attacks: billion laughs, and external entities of local and remote files. */
const DOCTYPES = [
  `<!DOCTYPE a [<!ENTITY a "lol">${Array.from('bcdefghij')
    .map((name, i) => `<!ENTITY ${name} "${`&${'abcdefghij'[i] ?? ''};`.repeat(10)}">`)
    .join('')}]>`,
  '<!DOCTYPE a [<!ENTITY j SYSTEM "file:///etc/passwd">]>',
  '<!DOCTYPE a SYSTEM "http://127.0.0.1:1/a.dtd" [<!ENTITY % b SYSTEM "http://127.0.0.1:1/b"> %b;]>',
]

export function hostileXml(dice: Dice): string {
  switch (dice.number(7)) {
    case 0:
      return `${dice.pick(DOCTYPES)}${wrapped('&j;')}`
    case 1:
      return wrapped('<a>'.repeat(dice.pick([50, 95, 100, 101, 3_000])))
    case 2:
      return wrapped(
        dice.pick(['&j;', '&#xD800;', '&#0;', '&#99999999999;', '<![CDATA[', '<!--', '<?xml version="1.0"?>']),
      )
    case 3:
      return `<?xml version="1.1" encoding="${dice.pick(['UTF-16', 'utf-7', 'ebcdic'])}"?>${wrapped('a')}`
    case 4:
      return `<${dice.pick(['a:b', 'x', '__proto__', 'constructor'])} ${'a="b" '.repeat(dice.number(3_000))}/>`
    case 5:
      return wrapped(
        '<__proto__><polluted>true</polluted></__proto__><constructor><prototype><a>1</a></prototype></constructor>',
      )
    default:
      return wrapped(`<${'n'.repeat(dice.size(100_000))}/>`)
  }
}
