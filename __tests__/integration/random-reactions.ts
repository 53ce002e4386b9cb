/** Generators for the behaviour of a callback: return, wait, throw or reject, with any value. */
import fc from 'fast-check'
import { setTimeout as sleep } from 'node:timers/promises'
import { RejectEvent } from 'tradecloud-webhook'
import { weighted } from './random-requests'

const oddThrown: unknown[] = [
  null,
  undefined,
  '',
  'text',
  0,
  NaN,
  10n,
  Symbol('s'),
  () => undefined,
  {},
  Object.create(null),
  { status: 500, statusCode: 500 },
  Object.assign(new Error('x'), { status: 404 }),
  new TypeError('x'.repeat(10_000)),
  new Proxy(
    {},
    new Proxy(
      {},
      {
        get: () => () => {
          throw new Error('a trap')
        },
      },
    ),
  ),
  Object.defineProperty(new Error(), 'message', {
    get: () => {
      throw new Error('no message')
    },
  }),
  new Error('line\nbreak'),
]

export type Reaction = () => unknown

export const reaction = weighted<Reaction>(
  [20, fc.constant<Reaction>(() => undefined)],
  [
    6,
    fc.nat(4).map(
      (ms): Reaction =>
        () =>
          sleep(ms),
    ),
  ],
  // fast-check generates only the number of a value, because it inspects what it generates. It cannot inspect a Proxy.
  [
    4,
    fc.nat(oddThrown.length - 1).map((i): Reaction => () => {
      throw oddThrown[i]
    }),
  ],
  [
    4,
    fc.nat(oddThrown.length - 1).map((i): Reaction => async () => {
      throw oddThrown[i]
    }),
  ],
  [
    3,
    fc
      .tuple(
        fc.oneof(fc.integer({ min: 400, max: 499 }), fc.integer(), fc.double(), fc.constant(undefined)),
        fc.string(),
      )
      .map(([status, message]): Reaction => async () => {
        throw new RejectEvent(message, { status })
      }),
  ],
  [
    1,
    fc
      .constantFrom<unknown>(
        5,
        {
          then: (resolve: () => void) => {
            resolve()
          },
        },
        {
          then: () => {
            throw new Error('then')
          },
        },
      )
      .map(
        (value): Reaction =>
          () =>
            value,
      ),
  ],
)

/** Used rarely, because each call takes longer than the time limit of the response. */
export const slow: Reaction = () => sleep(500)
