/**
 * The size of the tests, from the environment variable TEST_SIZE: `quick` (default) for `npm test`, `ci` for `.ci/run`,
 * `full` for `npm run test:full`.
 */
const SIZES = ['quick', 'ci', 'full'] as const

export type Size = (typeof SIZES)[number]

function read(value = 'quick'): Size {
  const size = SIZES.find((one) => one === value)
  if (size === undefined) throw new Error(`TEST_SIZE is "${value}". Allowed: ${SIZES.join(', ')}.`)
  return size
}

export const size = read(process.env.TEST_SIZE)
export const isQuick = size === 'quick'
export const isFull = size === 'full'

/** Returns the value for the current size: `bySize({ quick: 10, ci: 100, full: 1000 })`. */
export function bySize<T>(values: Record<Size, T>): T {
  return values[size]
}
