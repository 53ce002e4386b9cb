/** Loads jose lazily: it is only needed with OAuth. */

/** Uses `require`, because a dynamic `import` needs a flag in Jest. */
export function loadJose(): typeof import('jose') {
  return require('jose') as typeof import('jose')
}
