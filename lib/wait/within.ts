import { startTimer, type Timer } from './timers'

/**
 * The result of `work`, or of `onTimeout` if `work` takes longer than `ms`. `onTimeout` may throw. A later rejection of
 * `work` is ignored. Keeps the process alive meanwhile, because a process without other work would exit while the
 * promise is pending.
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
