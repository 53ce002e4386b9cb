import { startTimer, type Timer } from './timers'

/**
 * The result of `work`, or that of `onTimeout` if `ms` pass before. `onTimeout` may throw. A later rejection of `work` is
 * ignored. Keeps the process alive meanwhile: otherwise a process without other work would exit with the promise pending.
 */
export async function within<T, Late>(ms: number, work: PromiseLike<T>, onTimeout: () => Late): Promise<T | Late> {
  let timer: Timer | undefined
  const timeout = new Promise<typeof LATE>((resolve) => {
    timer = startTimer(() => resolve(LATE), ms, true)
  })
  try {
    const first = await Promise.race([work, timeout])
    return first === LATE ? onTimeout() : first
  } finally {
    clearTimeout(timer)
  }
}

const LATE = Symbol('late')
